//! Tensor and ops.
