//! TensorBoard itself.
