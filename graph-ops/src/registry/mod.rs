//! The list of all ops by name: how each is made from its attributes, and representative applications of it.
//!
//! The text form of graphs reads ops through [`op_from_text`]; the tests that hold for every op (gradients, modes,
//! threads, computing in place) walk [`samples`]. An op that is added here is picked up by both.

mod samples;

use graph_core::{Attr, Attributes, OpError, OpRef};
use samples::*;
pub use samples::{Sample, SampleOperand};

use crate::ops::addmm::Addmm;
use crate::ops::concat::Concat;
use crate::ops::conv::{Conv2d, Conv2dImages, Conv2dKernel};
use crate::ops::create::Iota;
use crate::ops::cross_entropy::SparseCrossEntropy;
use crate::ops::effects::{Check, Print};
use crate::ops::gather::{AddAlongAxis, Gather, ScatterAdd, TakeAlongAxis};
use crate::ops::matmul::Matmul;
use crate::ops::one_hot::OneHot;
use crate::ops::permute::Permute;
use crate::ops::pointwise::{BroadcastTo, Cast, Pointwise, ScalarOp, Select};
use crate::ops::pool::{
    AveragePool2d, AveragePool2dImages, MaxPool2d, MaxPool2dImages, MaxPool2dPositions, Pool,
};
use crate::ops::random::{Distribution, Random};
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::row::WithRow;
use crate::ops::scan::{ArgExtremum, Cumsum};
use crate::ops::slice::{Positions, Slice, SliceUpdate};
use crate::ops::softmax::{LogSoftmax, LogSumExp, Softmax};
use crate::ops::tril::Tril;
use crate::ops::view::{Again, Identity, Reshape, StopGradient};
use crate::ops::windows::{Placement, pair};

/// The op of this name with these attributes; `None` where there is no op of the name.
///
/// ```
/// use graph_core::Attributes;
/// use graph_ops::registry::op_from_text;
/// let op = op_from_text("softmax", &Attributes::default().with("axis", 1usize)).unwrap().unwrap();
/// assert_eq!(op.attributes().int("axis"), Ok(1));
/// assert!(op_from_text("sofmtax", &Attributes::default()).unwrap().is_none());
/// ```
///
/// # Errors
/// When an attribute is missing, mistyped, or none of the op's.
pub fn op_from_text(name: &str, attributes: &Attributes) -> Result<Option<OpRef>, OpError> {
    let op = if let Some(row) = ScalarOp::from_name(name) {
        OpRef::new(Pointwise(row))
    } else if let Some(reduction) = Reduction::ALL.into_iter().find(|r| r.name() == name) {
        let (axes, keep_dims) = (attributes.sizes("axes")?, attributes.flag("keep_dims")?);
        OpRef::new(Reduce { reduction, axes, keep_dims })
    } else if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
        (entry.from_attributes)(attributes)?
    } else {
        return Ok(None);
    };
    // A flag that is not set is left out where attributes are printed, but may be spelled out.
    let is_known = |name: &str| op.attributes().get(name).is_some() || attributes.flag(name) == Ok(false);
    match attributes.iter().find(|(attribute, _)| !is_known(attribute)) {
        Some((attribute, _)) => Err(OpError::invalid(format!("`{name}` has no attribute `{attribute}`"))),
        None => Ok(Some(op)),
    }
}

/// The names of all ops.
pub fn names() -> impl Iterator<Item = &'static str> {
    let rows = ScalarOp::ALL.iter().map(|row| row.name());
    rows.chain(Reduction::ALL.into_iter().map(Reduction::name)).chain(ENTRIES.iter().map(|entry| entry.name))
}

/// Applications of every op: of each dtype that it takes, of ordinary, empty and single-element shapes, broadcast where
/// it broadcasts, and large enough for several threads.
pub fn samples() -> Vec<Sample> {
    let rows = ScalarOp::ALL.iter().flat_map(|&row| row_samples(row));
    let reductions = Reduction::ALL.into_iter().flat_map(reduction_samples);
    rows.chain(reductions).chain(ENTRIES.iter().flat_map(|entry| (entry.samples)())).collect()
}

/// An op that is no row of a table of its own.
struct Entry {
    name: &'static str,
    from_attributes: fn(&Attributes) -> Result<OpRef, OpError>,
    samples: fn() -> Vec<Sample>,
}

/// An entry: name, construction from attributes `a`, samples.
macro_rules! entries {
    ($($name:literal: |$a:ident| $op:expr, $samples:expr;)*) => {
        &[$(Entry {
            name: $name,
            from_attributes: |$a| {
                let _ = $a; // An op without attributes does not look.
                Ok(OpRef::new($op))
            },
            samples: || $samples,
        },)*]
    };
}

const ENTRIES: &[Entry] = entries! {
    "select": |a| Select, select_samples();
    "cast": |a| Cast { to: a.dtype("to")? }, cast_samples();
    "broadcast_to": |a| BroadcastTo { shape: a.sizes("shape")?.into() }, broadcast_samples();
    "reshape": |a| Reshape { shape: a.sizes("shape")?.into() }, reshape_samples();
    "again": |a| Again, same_shape_samples(|| OpRef::new(Again));
    "identity": |a| Identity, same_shape_samples(|| OpRef::new(Identity));
    "stop_gradient": |a| StopGradient, stop_gradient_samples();
    "permute": |a| Permute { axes: a.sizes("axes")? }, permute_samples();
    "slice": |a| Slice(Positions::from_attributes(a)?), slice_samples();
    "slice_update": |a| SliceUpdate(Positions::from_attributes(a)?), slice_update_samples();
    "concat": |a| Concat { axis: size(a, "axis")? }, concat_samples();
    "matmul": |a| Matmul {
        transpose_left: a.flag("transpose_left")?,
        transpose_right: a.flag("transpose_right")?,
    }, matmul_samples();
    "addmm": |a| Addmm {
        product: Matmul {
            transpose_left: a.flag("transpose_left")?,
            transpose_right: a.flag("transpose_right")?,
        },
        subtract: a.flag("subtract")?,
    }, addmm_samples();
    "conv2d": |a| Conv2d { placement: Placement::from_attributes(a)? }, conv2d_samples();
    "conv2d_images": |a| Conv2dImages {
        placement: Placement::from_attributes(a)?,
        image: pair(a, "image")?,
    }, conv2d_images_samples();
    "conv2d_kernel": |a| Conv2dKernel {
        placement: Placement::from_attributes(a)?,
        window: pair(a, "window")?,
    }, conv2d_kernel_samples();
    "max_pool2d": |a| MaxPool2d(Pool::from_attributes(a)?),
        pool_samples(&NUMBERS, |pool| OpRef::new(MaxPool2d(pool)));
    "max_pool2d_images": |a| MaxPool2dImages(Pool::from_attributes(a)?), max_images_samples();
    "max_pool2d_positions": |a| MaxPool2dPositions(Pool::from_attributes(a)?),
        pool_samples(&NUMBERS, |pool| OpRef::new(MaxPool2dPositions(pool)));
    "avg_pool2d": |a| AveragePool2d(Pool::from_attributes(a)?),
        pool_samples(&FLOATS, |pool| OpRef::new(AveragePool2d(pool)));
    "avg_pool2d_images": |a| AveragePool2dImages {
        pool: Pool::from_attributes(a)?,
        image: pair(a, "image")?,
    }, average_images_samples();
    "softmax": |a| Softmax { axis: size(a, "axis")? },
        lane_samples(|axis| vec![OpRef::new(Softmax { axis })]);
    "log_softmax": |a| LogSoftmax { axis: size(a, "axis")? },
        lane_samples(|axis| vec![OpRef::new(LogSoftmax { axis })]);
    "logsumexp": |a| LogSumExp { axis: size(a, "axis")?, keep_dims: a.flag("keep_dims")? },
        lane_samples(|axis| {
            [false, true].map(|keep_dims| OpRef::new(LogSumExp { axis, keep_dims })).to_vec()
        });
    "sparse_cross_entropy": |a| SparseCrossEntropy, cross_entropy_samples();
    "gather": |a| Gather { axis: size(a, "axis")? }, gather_samples();
    "scatter_add": |a| ScatterAdd { axis: size(a, "axis")? }, scatter_add_samples();
    "take_along_axis": |a| TakeAlongAxis { axis: size(a, "axis")? }, take_along_axis_samples();
    "add_along_axis": |a| AddAlongAxis { axis: size(a, "axis")? }, add_along_axis_samples();
    "with_row": |a| WithRow, with_row_samples();
    // Effects have no results to sample.
    "print": |a| Print { text: text(a)?, is_error: a.flag("is_error")? }, Vec::new();
    "assert": |a| Check { text: text(a)? }, Vec::new();
    "one_hot": |a| OneHot { depth: size(a, "depth")?, dtype: a.dtype("dtype")? }, one_hot_samples();
    "cumsum": |a| Cumsum { axis: size(a, "axis")?, reverse: a.flag("reverse")? },
        lane_samples(|axis| {
            [false, true].map(|reverse| OpRef::new(Cumsum { axis, reverse })).to_vec()
        });
    "argmax": |a| ArgExtremum { axis: size(a, "axis")?, largest: true },
        nonempty_lane_samples(|axis| OpRef::new(ArgExtremum { axis, largest: true }));
    "argmin": |a| ArgExtremum { axis: size(a, "axis")?, largest: false },
        nonempty_lane_samples(|axis| OpRef::new(ArgExtremum { axis, largest: false }));
    "tril": |a| Tril { diagonal: a.int("diagonal")? }, tril_samples();
    "iota": |a| Iota { len: size(a, "len")?, dtype: a.dtype("dtype")? }, iota_samples();
    "random_uniform": |a| Random {
        distribution: Distribution::Uniform,
        shape: a.sizes("shape")?.into(),
        dtype: a.dtype("dtype")?,
    }, random_samples(Distribution::Uniform);
    "random_normal": |a| Random {
        distribution: Distribution::Normal,
        shape: a.sizes("shape")?.into(),
        dtype: a.dtype("dtype")?,
    }, random_samples(Distribution::Normal);
};

fn size(attributes: &Attributes, name: &str) -> Result<usize, OpError> {
    usize::try_from(attributes.int(name)?)
        .map_err(|_| OpError::invalid(format!("attribute `{name}` must not be negative")))
}

/// The text of an effect.
fn text(attributes: &Attributes) -> Result<String, OpError> {
    match attributes.get("text") {
        Some(Attr::Text(text)) => Ok(text.clone()),
        _ => Err(OpError::invalid("an effect has a `text`")),
    }
}
