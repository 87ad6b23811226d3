//! Convolutions of images: `conv2d`, and the two gradients of it.
//!
//! Images `[batch, height, width, channels]`, kernels `[height, width, channels, filters]` and outputs `[batch, height,
//! width, filters]` hang together by one sum, `Σ output · window · kernel`, which is linear in each of the three. An op
//! computes what the sum's factor at one of them is, given the other two. So the gradients of each are the other two.

mod images;
mod kernel;
mod output;

pub use images::Conv2dImages;
pub use kernel::Conv2dKernel;
pub use output::Conv2d;

use graph_core::{DType, Fact, OpError};

/// Both operands are floats of one dtype.
fn check_dtypes(left: &Fact, right: &Fact) -> Result<DType, OpError> {
    if left.dtype != right.dtype {
        return Err(OpError::MixedDTypes { left: left.dtype, right: right.dtype });
    }
    if !left.dtype.is_float() {
        return Err(OpError::UnsupportedDType { dtype: left.dtype, accepts: "f32 and f64" });
    }
    Ok(left.dtype)
}

/// The output's lengths are those of the windows.
fn check_output(found: [usize; 3], expected: [usize; 3]) -> Result<(), OpError> {
    if found != expected {
        let [batch, height, width] = expected;
        return Err(OpError::invalid(format!(
            "the output has the shape [{batch}, {height}, {width}, filters]"
        )));
    }
    Ok(())
}
