"""What the peers share: the work in numbers, its data, a check in NumPy, and how a figure is measured and printed.

The names, shapes, dtypes and units are those of `benches/figures.rs`.
"""

import os
import platform
import sys
import time
from typing import Callable, NamedTuple

# Read when the libraries are loaded, so this module is imported before them. Nothing runs on a graphics card; NumPy only
# checks, and its own threads would wait busily beside those that are measured.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

# The notebook's network, and a wider one.
RECIPE = (784, 128, 10)
WIDE = (784, 1024, 1024, 10)
LEARNING_RATE = 0.01
BATCH = 32
WIDE_BATCH = 256
STEPS = 1875  # of an epoch
BATCHES = 16  # different ones, taken in turn
WIDE_STEPS = 5  # in a sample
# Channels of two convolutions of 3 by 3, each with pooling, and the sizes of the dense layers after them.
CNN_CHANNELS = (1, 32, 64)
CNN_DENSE = (1600, 128, 10)
CNN_BATCH = 64
CNN_STEPS = 3  # in a sample
ITERATIONS = 1_000_000  # of the scalar loop
ELEMENTS_64K = 1 << 16
ELEMENTS_16M = 1 << 24


class Figure(NamedTuple):
    """A name, a unit, how many samples are taken, and what gets ready and returns a function that takes one."""

    name: str
    unit: str
    samples: int
    prepare: Callable[[], Callable[[], float]]


def pointwise_figures(pointwise, chained, transcended, mean_square):
    """The figures of chains of pointwise operations, which `pointwise` gets ready: a function, its check, the number of
    elements, the runs in a sample."""

    def figure(name, samples, *work):
        return Figure(name, "ns/element", samples, lambda: pointwise(*work))

    return [
        figure("chain_64k", 15, chained, check_chain, ELEMENTS_64K, 200),
        figure("chain_16m", 7, chained, check_chain, ELEMENTS_16M, 1),
        figure("transcendental_16m", 7, transcended, check_transcendental, ELEMENTS_16M, 1),
        figure("mean_square_16m", 15, mean_square, check_mean_square, ELEMENTS_16M, 1),
    ]


def main(version, figures):
    """Measures the figures that are named on the command line, or all; `--version` prints the version instead."""
    names = sys.argv[1:]
    if names == ["--version"]:
        print(f"{version} (Python {platform.python_version()}, NumPy {np.__version__})")
        return
    unknown = set(names) - {figure.name for figure in figures}
    if unknown:
        raise SystemExit(f"no such figure here: {', '.join(sorted(unknown))}")
    for figure in figures:
        if names and figure.name not in names:
            continue
        sample = figure.prepare()
        sample()
        samples = sorted(sample() for _ in range(figure.samples))
        least, median, most = samples[0], samples[len(samples) // 2], samples[-1]
        print(f"{figure.name:<20} {least:>10.4f} {median:>10.4f} {most:>10.4f}  {figure.unit}", flush=True)


def seconds(times, run):
    """Seconds of one run, or of one of `times` runs."""
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


def processors():
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


# -- data --------------------------------------------------------------------------------------------------------------


def pixels_and_labels(examples, seed=1):
    """Pixels `[examples, 28, 28]` and labels `[examples]`, both u8."""
    pixels = np.random.default_rng(seed).random((examples, 28, 28), np.float32) * 255
    return pixels.astype(np.uint8), (np.arange(examples) % 10).astype(np.uint8)


def batches():
    """Pixels `[BATCHES, BATCH, 28, 28]` and labels `[BATCHES, BATCH]`, both u8."""
    both = [pixels_and_labels(BATCH, seed) for seed in range(BATCHES)]
    return np.stack([pixels for pixels, _ in both]), np.stack([labels for _, labels in both])


def wide_batch():
    """Rows of f32 `[WIDE_BATCH, 784]` and labels `[WIDE_BATCH]` of i64."""
    return uniform((WIDE_BATCH, WIDE[0])), np.arange(WIDE_BATCH) % 10


def cnn_batch():
    """Images of f32 `[CNN_BATCH, 28, 28, 1]` and labels `[CNN_BATCH]` of i64."""
    return uniform((CNN_BATCH, 28, 28, 1)), np.arange(CNN_BATCH) % 10


def cnn_layers():
    """Filters `[3, 3, inputs, outputs]` and a zero bias for each convolution; the dense layers."""
    random = np.random.default_rng(5)
    convolutions = []
    for inputs, outputs in zip(CNN_CHANNELS, CNN_CHANNELS[1:]):
        filters = random.normal(0, 0.1, (3, 3, inputs, outputs)).astype(np.float32)
        convolutions.append((filters, np.zeros(outputs, np.float32)))
    return convolutions, layers(CNN_DENSE)


def uniform(shape):
    """Numbers of f32 from 0 to 1."""
    return np.random.default_rng(1).random(shape, np.float32)


def layers(sizes):
    """A weight `[inputs, outputs]`, Glorot-uniform, and a zero bias `[outputs]` for each layer, all of f32."""
    random = np.random.default_rng(7)
    result = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        limit = (6 / (inputs + outputs)) ** 0.5
        weight = random.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)
        result.append((weight, np.zeros(outputs, np.float32)))
    return result


# -- the same work, in NumPy -------------------------------------------------------------------------------------------


def train_step(net, x, labels):
    """Moves the layers a step along the gradient, in place; returns the mean loss and the number of hits."""
    return dense_step(net, x, labels)[:2]


def dense_step(net, x, labels):
    """The same; returns the gradient with respect to `x`, too."""
    inputs = [x]
    for weight, bias in net:
        inputs.append(inputs[-1] @ weight + bias)
        if len(inputs) <= len(net):
            np.maximum(inputs[-1], 0, out=inputs[-1])
    logits, rows = inputs[-1], np.arange(len(x))
    shifted = logits - logits.max(1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    cotangent = np.exp(log_softmax)
    cotangent[rows, labels] -= 1
    cotangent /= len(x)
    for (weight, bias), layer_input in zip(reversed(net), reversed(inputs[:-1])):
        earlier = cotangent @ weight.T * (layer_input > 0)
        weight -= np.float32(LEARNING_RATE) * (layer_input.T @ cotangent)
        bias -= np.float32(LEARNING_RATE) * cotangent.sum(0)
        cotangent = earlier
    return -log_softmax[rows, labels].mean(), int((logits.argmax(1) == labels).sum()), cotangent


def cnn_train_step(net, x, labels):
    """Moves the network of convolutions a step along the gradient, in place; returns the mean loss."""
    convolutions, dense = net
    kept = []
    for filters, bias in convolutions:
        patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))  # [n, h, w, channels, 3, 3]
        convolved = np.einsum("nhwcij,ijco->nhwo", patches, filters, optimize=True) + bias
        activated = np.maximum(convolved, 0)
        n, height, width, channels = activated.shape
        windows = activated[:, : height // 2 * 2, : width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, channels)
        pooled = windows.max((2, 4))
        kept.append((x, patches, convolved, windows, pooled))
        x = pooled
    # `dense_step` takes its input for what a relu gave, as this is.
    loss, _, cotangent = dense_step(dense, x.reshape(len(x), -1), labels)
    for (filters, bias), (x, patches, convolved, windows, pooled) in zip(reversed(convolutions), reversed(kept)):
        cotangent = cotangent.reshape(pooled.shape)
        # To where the largest is. Where all of a window are 0, the relu before stops what goes to any of them.
        spread = (windows == pooled[:, :, None, :, None]) * cotangent[:, :, None, :, None]
        full = np.zeros_like(convolved)
        full[:, : 2 * pooled.shape[1], : 2 * pooled.shape[2]] = spread.reshape(
            len(x), 2 * pooled.shape[1], 2 * pooled.shape[2], -1
        )
        full *= convolved > 0
        to_filters = np.einsum("nhwcij,nhwo->ijco", patches, full, optimize=True)
        cotangent = np.zeros_like(x)
        for i in range(3):
            for j in range(3):
                cotangent[:, i : i + full.shape[1], j : j + full.shape[2]] += full @ filters[i, j].T
        filters -= np.float32(LEARNING_RATE) * to_filters
        bias -= np.float32(LEARNING_RATE) * full.sum((0, 1, 2))
    return loss


def check_epoch(loss, hits):
    """Ends the program unless the first epoch had this sum of its steps' losses, and of their hits."""
    net, (images, labels) = layers(RECIPE), batches()
    rows = images.reshape(BATCHES, BATCH, 784).astype(np.float32) / 255
    results = [train_step(net, rows[i % BATCHES], labels[i % BATCHES]) for i in range(STEPS)]
    agree("sum of losses", loss, sum(loss for loss, _ in results), 1e-3)
    agree("hits", hits, sum(hits for _, hits in results), 1e-3)


def check_wide(loss):
    """Ends the program unless the first sample's steps had this sum of losses."""
    net, (x, labels) = layers(WIDE), wide_batch()
    agree("sum of losses", loss, sum(train_step(net, x, labels)[0] for _ in range(WIDE_STEPS)), 1e-4)


def check_cnn(loss):
    """Ends the program unless the first sample's steps had this sum of losses."""
    net, (x, labels) = cnn_layers(), cnn_batch()
    agree("sum of losses", loss, sum(cnn_train_step(net, x, labels) for _ in range(CNN_STEPS)), 1e-4)


def check_chain(x, y):
    """Ends the program unless `y` is the chain of `x`."""
    want = x
    for _ in range(10):
        want = want * x + np.float32(0.5)
    agree("chain", y, np.maximum(want, 0) - x, 1e-4)


def check_transcendental(x, y):
    """Ends the program unless `y` is what the transcendental figure makes of `x`."""
    want = x
    for _ in range(5):
        want = np.tanh(want / 2 + np.float32(0.25)) * np.exp(-(want * want)) + want
    agree("transcendental", y, want, 1e-4)


def check_mean_square(x, y):
    """Ends the program unless `y` is the mean square of `x`, moved to between -1 and 1."""
    want = x.astype(np.float64) * 2 - 1
    agree("mean square", y, np.mean(want * want), 1e-4)


def check_scalar_loop(s):
    """Ends the program unless the loop left `s`: the sum of a geometric series, but for roundings."""
    factor = float(np.float32(0.999999))
    agree("scalar loop", s, (1 - factor**ITERATIONS) / (1 - factor), 0.01)


def agree(what, got, want, tolerance):
    """Ends the program unless `got` is `want`, to a relative tolerance."""
    if not np.allclose(got, want, rtol=tolerance, atol=0):
        raise SystemExit(f"{what}: not the same work: {got} instead of {want}")
