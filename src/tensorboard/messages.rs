//! The messages that TensorBoard reads, with the fields that are written here.
//!
//! # Source
//! TensorFlow's `event.proto`, `summary.proto`, `tensor.proto`, `graph.proto`, `node_def.proto`, `attr_value.proto` and
//! `config.proto`, `step_stats.proto`; TensorBoard's `plugins/hparams/{plugin_data,api}.proto`; `google/protobuf/struct.proto`. The numbers
//! of fields are theirs and never change.

use std::collections::BTreeMap;

use graph_core::DType;
use prost::{Enumeration, Message, Oneof};

/// One record of a log.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 4, 5")]
    pub(super) what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    /// A serialized `GraphDef`.
    #[prost(bytes, tag = "4")]
    GraphDef(Vec<u8>),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

/// What was logged under a tag.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
    #[prost(oneof = "Content", tags = "2, 4, 5, 8")]
    pub(super) content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
    #[prost(message, tag = "8")]
    Tensor(TensorProto),
}

/// Which of TensorBoard's plugins a tensor is for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin: Option<Plugin>,
    #[prost(enumeration = "DataClass", tag = "4")]
    pub(super) data_class: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Plugin {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes, tag = "2")]
    pub(super) content: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
pub(super) enum DataClass {
    Unknown = 0,
    Scalar = 1,
    Tensor = 2,
    BlobSequence = 3,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// Number of channels: 1 gray, 3 red green blue, 4 with opacity.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    #[prost(bytes, tag = "4")]
    pub(super) encoded: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) count: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_squares: f64,
    /// The right edge of each bucket; the first begins at the least value.
    #[prost(double, repeated, tag = "6")]
    pub(super) bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub(super) bucket: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(enumeration = "DataType", tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<ShapeProto>,
    #[prost(float, repeated, tag = "5")]
    pub(super) f32s: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub(super) f64s: Vec<f64>,
    /// Also bytes.
    #[prost(int32, repeated, tag = "7")]
    pub(super) i32s: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) strings: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "10")]
    pub(super) i64s: Vec<i64>,
    #[prost(bool, repeated, tag = "11")]
    pub(super) bools: Vec<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ShapeProto {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dim {
    /// -1: not known.
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
pub(super) enum DataType {
    Invalid = 0,
    Float = 1,
    Double = 2,
    Int32 = 3,
    Uint8 = 4,
    String = 7,
    Int64 = 9,
    Bool = 10,
}

impl From<DType> for DataType {
    fn from(dtype: DType) -> DataType {
        match dtype {
            DType::F32 => DataType::Float,
            DType::F64 => DataType::Double,
            DType::I32 => DataType::Int32,
            DType::I64 => DataType::Int64,
            DType::U8 => DataType::Uint8,
            DType::Bool => DataType::Bool,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeDef>,
    #[prost(message, optional, tag = "4")]
    pub(super) versions: Option<Versions>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Versions {
    #[prost(int32, tag = "1")]
    pub(super) producer: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeDef {
    /// With the scopes it stands in, from the outside in, each followed by `/`.
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    /// `node`, or `node:output`; `^node` for one that only has to come before.
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(string, tag = "4")]
    pub(super) device: String,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(super) attr: BTreeMap<String, AttrValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttrValue {
    #[prost(oneof = "AttrKind", tags = "1, 2, 3, 4, 5, 6, 8")]
    pub(super) kind: Option<AttrKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum AttrKind {
    #[prost(message, tag = "1")]
    List(AttrList),
    #[prost(bytes, tag = "2")]
    Text(Vec<u8>),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(float, tag = "4")]
    Float(f32),
    #[prost(bool, tag = "5")]
    Bool(bool),
    #[prost(enumeration = "DataType", tag = "6")]
    Type(i32),
    #[prost(message, tag = "8")]
    Tensor(TensorProto),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttrList {
    #[prost(int64, repeated, tag = "3")]
    pub(super) ints: Vec<i64>,
    #[prost(message, repeated, tag = "7")]
    pub(super) shapes: Vec<ShapeProto>,
}

/// What is known of the run of a graph.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RunMetadata {
    #[prost(message, optional, tag = "1")]
    pub(super) step_stats: Option<StepStats>,
    #[prost(message, repeated, tag = "4")]
    pub(super) function_graphs: Vec<FunctionGraphs>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FunctionGraphs {
    #[prost(message, optional, tag = "2")]
    pub(super) pre_optimization_graph: Option<GraphDef>,
}

/// How long the nodes of a graph took.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StepStats {
    #[prost(message, repeated, tag = "1")]
    pub(super) dev_stats: Vec<DeviceStats>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DeviceStats {
    #[prost(string, tag = "1")]
    pub(super) device: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) node_stats: Vec<NodeStats>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeStats {
    #[prost(string, tag = "1")]
    pub(super) node_name: String,
    /// Microseconds since 1970.
    #[prost(int64, tag = "2")]
    pub(super) all_start_micros: i64,
    /// Microseconds since the start, when it was done.
    #[prost(int64, tag = "5")]
    pub(super) all_end_rel_micros: i64,
    /// What took the time, for people.
    #[prost(string, tag = "8")]
    pub(super) timeline_label: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HparamsData {
    #[prost(oneof = "Session", tags = "3, 4")]
    pub(super) session: Option<Session>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Session {
    #[prost(message, tag = "3")]
    Start(SessionStart),
    #[prost(message, tag = "4")]
    End(SessionEnd),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) hparams: BTreeMap<String, HparamValue>,
    #[prost(double, tag = "5")]
    pub(super) start_time: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionEnd {
    #[prost(enumeration = "Status", tag = "1")]
    pub(super) status: i32,
    #[prost(double, tag = "2")]
    pub(super) end_time: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
pub(super) enum Status {
    Unknown = 0,
    Success = 1,
    Failure = 2,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HparamValue {
    #[prost(oneof = "HparamKind", tags = "2, 3, 4")]
    pub(super) kind: Option<HparamKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum HparamKind {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
}
