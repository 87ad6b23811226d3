//! Tensors by name as bytes, and back: the safetensors format.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use grafito::{DType, Element, Fact, Tensor};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, View};
use serde_json::Value as Json;

use super::error::CheckpointProblem;

/// Tensors by name, and a description.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    pub(super) tensors: BTreeMap<String, Tensor>,
    pub(super) description: Option<String>,
}

/// What the description is kept under in the file's metadata.
const DESCRIPTION: &str = "grafito";

/// How dtypes are called in the file.
const DTYPES: [(DType, Dtype); 6] = [
    (DType::F32, Dtype::F32),
    (DType::F64, Dtype::F64),
    (DType::I32, Dtype::I32),
    (DType::I64, Dtype::I64),
    (DType::U8, Dtype::U8),
    (DType::Bool, Dtype::BOOL),
];

impl Contents {
    /// The bytes of a file; the same contents give the same bytes.
    pub(super) fn encode(&self) -> Result<Vec<u8>, CheckpointProblem> {
        let views = self.tensors.iter().map(|(name, tensor)| (name, Elements::of(tensor)));
        let metadata = self.description.iter().map(|text| (DESCRIPTION.to_owned(), text.clone()));
        let metadata: HashMap<String, String> = metadata.collect();
        safetensors::serialize(views, Some(metadata).filter(|metadata| !metadata.is_empty()))
            .map_err(|error| CheckpointProblem::Damaged(error.to_string()))
    }

    /// What the bytes of a file hold. Never panics, whatever the bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Contents, CheckpointProblem> {
        let damaged = |error: SafeTensorError| CheckpointProblem::Damaged(error.to_string());
        unless_outside(bytes)?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let description = metadata.metadata().as_ref().and_then(|entries| entries.get(DESCRIPTION)).cloned();
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let found = DTYPES.iter().find(|(_, own)| *own == view.dtype());
            let Some((dtype, _)) = found else {
                let dtype = format!("{:?}", view.dtype());
                return Err(CheckpointProblem::DType { name: name.to_owned(), dtype });
            };
            let fact = Fact::new(*dtype, view.shape());
            let tensor = tensor(&fact, view.data())
                .ok_or_else(|| CheckpointProblem::Damaged(format!("the tensor `{name}` is not {fact}")))?;
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(Contents { tensors, description })
    }
}

/// Refuses a header with offsets behind the end of the file. The parser adds them up before it compares them with the
/// file's length, and near 2^64 the sum overflows.
fn unless_outside(bytes: &[u8]) -> Result<(), CheckpointProblem> {
    let outside = || CheckpointProblem::Damaged("a tensor lies behind the end of the file".to_owned());
    let Some((len, rest)) = bytes.split_first_chunk() else { return Ok(()) };
    let header = usize::try_from(u64::from_le_bytes(*len)).ok().and_then(|len| rest.get(..len));
    // What is no header at all is for the parser to say.
    let Some(Ok(Json::Object(entries))) = header.map(serde_json::from_slice) else { return Ok(()) };
    let offsets = entries.values().filter_map(|entry| entry.get("data_offsets")?.as_array()).flatten();
    let is_outside = |offset: &Json| offset.as_u64().is_some_and(|offset| offset > bytes.len() as u64);
    if offsets.into_iter().any(is_outside) { Err(outside()) } else { Ok(()) }
}

/// A tensor from the bytes of its elements; `None` where they are not those of its fact.
fn tensor(fact: &Fact, bytes: &[u8]) -> Option<Tensor> {
    fn of<const N: usize, T: Element>(fact: &Fact, bytes: &[u8], from: fn([u8; N]) -> T) -> Tensor {
        let elements: Vec<T> = bytes
            .chunks_exact(N)
            .map(|chunk| from(chunk.try_into().expect("as long as the chunks")))
            .collect();
        Tensor::from_slice(&fact.shape, &elements)
    }
    if fact.checked_num_bytes() != Some(bytes.len()) {
        return None;
    }
    Some(match fact.dtype {
        DType::F32 => of(fact, bytes, f32::from_le_bytes),
        DType::F64 => of(fact, bytes, f64::from_le_bytes),
        DType::I32 => of(fact, bytes, i32::from_le_bytes),
        DType::I64 => of(fact, bytes, i64::from_le_bytes),
        DType::U8 => of(fact, bytes, u8::from_le_bytes),
        DType::Bool if bytes.iter().all(|byte| *byte <= 1) => of(fact, bytes, |[byte]: [u8; 1]| byte == 1),
        DType::Bool => return None,
    })
}

/// A tensor's elements as the file has them: little-endian, row-major.
struct Elements {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Elements {
    fn of(tensor: &Tensor) -> Elements {
        let dtype = DTYPES.iter().find(|(own, _)| *own == tensor.dtype());
        let (_, dtype) = *dtype.expect("the table has all dtypes");
        let bytes = match tensor.dtype() {
            DType::F32 => tensor.to_vec::<f32>().into_iter().flat_map(f32::to_le_bytes).collect(),
            DType::F64 => tensor.to_vec::<f64>().into_iter().flat_map(f64::to_le_bytes).collect(),
            DType::I32 => tensor.to_vec::<i32>().into_iter().flat_map(i32::to_le_bytes).collect(),
            DType::I64 => tensor.to_vec::<i64>().into_iter().flat_map(i64::to_le_bytes).collect(),
            DType::U8 => tensor.to_vec::<u8>(),
            DType::Bool => tensor.to_vec::<bool>().into_iter().map(u8::from).collect(),
        };
        Elements { dtype, shape: tensor.shape().to_vec(), bytes }
    }
}

impl View for Elements {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
