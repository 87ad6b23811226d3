//! The ops: each in one place, with its shape rule, gradient, kernel binding and class.

pub mod addmm;
pub mod algebra;
pub mod axes;
pub mod concat;
pub mod conv;
pub mod create;
pub mod cross_entropy;
pub mod effects;
pub mod gather;
pub mod matmul;
pub mod one_hot;
pub mod permute;
pub mod pointwise;
pub mod pool;
pub mod random;
pub mod reduce;
pub mod row;
pub mod scan;
pub mod slice;
pub mod softmax;
pub mod statistics;
pub mod tril;
pub mod view;
pub mod vjp;
pub mod windows;
