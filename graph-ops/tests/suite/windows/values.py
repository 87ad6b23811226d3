"""Makes values.rs beside it: convolutions, pooling and their gradients, computed by JAX. All numbers are whole, so exact.

    pip install jax==0.10.2
    python values.py > values.rs
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# Images, kernel, strides, dilation, padding.
CONVOLUTIONS = [
    ((1, 4, 4, 1), (3, 3, 1, 1), (1, 1), (1, 1), "VALID"),
    ((2, 4, 3, 2), (3, 2, 2, 2), (1, 1), (1, 1), "SAME"),
    ((1, 5, 6, 2), (2, 3, 2, 1), (2, 3), (1, 1), "SAME"),
    ((1, 6, 5, 1), (3, 2, 1, 2), (2, 1), (1, 1), "VALID"),
    ((1, 5, 6, 1), (2, 3, 1, 2), (1, 1), (2, 2), "SAME"),
    ((1, 7, 7, 1), (3, 3, 1, 1), (1, 2), (3, 2), "VALID"),
]

# Images, window, strides, padding.
POOLINGS = [
    ((1, 4, 4, 2), (2, 2), (2, 2), "VALID"),
    ((2, 3, 5, 1), (2, 2), (2, 2), "SAME"),
    ((1, 5, 4, 2), (3, 2), (1, 1), "SAME"),
    ((1, 5, 5, 1), (3, 3), (2, 2), "VALID"),
]


def numbers(shape, step, modulus):
    """Whole numbers about 0 that do not look alike in any direction."""
    size = int(np.prod(shape))
    return jnp.array([(i * step + i // modulus) % modulus - modulus // 2 for i in range(size)], "float32").reshape(shape)


def max_pool(x, window, strides, padding):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *strides, 1), padding)


def sum_pool(x, window, strides, padding):
    return lax.reduce_window(x, 0.0, lax.add, (1, *window, 1), (1, *strides, 1), padding)


def whole(x):
    rounded = np.round(np.asarray(x)).astype(int)
    assert np.array_equal(rounded, np.asarray(x)), x
    return "&[" + ", ".join(map(str, rounded.ravel())) + "]"


def lengths(shape):
    return "[" + ", ".join(map(str, shape)) + "]"


def title(padding):
    return "Padding::" + padding.capitalize()


print("//! Values of convolutions and pooling, made by `values.py`, which is to be changed instead of this file.\n")
print("use graph_ops::Padding;\n")
print("use super::{Convolution, Pooling};\n")
print("#[rustfmt::skip]\npub(super) const CONVOLUTIONS: &[Convolution] = &[")
for images, kernel, strides, dilation, padding in CONVOLUTIONS:
    convolve = lambda x, k: lax.conv_general_dilated(
        x, k, strides, padding, rhs_dilation=dilation, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    x, k = numbers(images, 7, 11), numbers(kernel, 5, 7)
    y, back = jax.vjp(convolve, x, k)
    to_images, to_kernel = back(numbers(y.shape, 3, 5))
    print(f"    Convolution {{\n        images: {lengths(images)},\n        kernel: {lengths(kernel)},")
    print(f"        strides: {lengths(strides)},\n        dilation: {lengths(dilation)},\n        padding: {title(padding)},")
    print(f"        output: ({lengths(y.shape)}, {whole(y)}),")
    print(f"        to_images: {whole(to_images)},\n        to_kernel: {whole(to_kernel)},\n    }},")
print("];\n")
print("#[rustfmt::skip]\npub(super) const POOLINGS: &[Pooling] = &[")
for images, window, strides, padding in POOLINGS:
    # No two elements are equal, as none of the largest would be the first otherwise.
    x = numbers(images, 59, 101)
    assert len(np.unique(x)) == x.size
    y, back = jax.vjp(lambda x: max_pool(x, window, strides, padding), x)
    (to_images,) = back(numbers(y.shape, 3, 5))
    counts = sum_pool(jnp.ones_like(x), window, strides, padding)
    sums, back = jax.vjp(lambda x: sum_pool(x, window, strides, padding), x)
    # The mean's cotangents are multiples of the counts, so that what flows back is whole.
    (to_averaged,) = back(numbers(y.shape, 3, 5))
    print(f"    Pooling {{\n        images: {lengths(images)},\n        window: {lengths(window)},")
    print(f"        strides: {lengths(strides)},\n        padding: {title(padding)},")
    print(f"        largest: ({lengths(y.shape)}, {whole(y)}),\n        to_images: {whole(to_images)},")
    print(f"        sums: {whole(sums)},\n        counts: {whole(counts)},\n        to_averaged: {whole(to_averaged)},\n    }},")
print("];")
