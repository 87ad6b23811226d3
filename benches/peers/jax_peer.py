"""The figures with JAX: compiled functions; the epoch also as one call, a `scan` over its steps.

The number of hits is an i32, which is what JAX computes in unless told otherwise.
"""

import measure
from measure import Figure, seconds

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def logits_of(net, x):
    *hidden, last = net
    for weight, bias in hidden:
        x = jax.nn.relu(x @ weight + bias)
    return x @ last[0] + last[1]


def loss_and_logits(net, x, labels):
    logits = logits_of(net, x)
    each = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None].astype(jnp.int32), 1)
    return -jnp.mean(each), logits


def updated(net, grads):
    return jax.tree.map(lambda value, grad: value - measure.LEARNING_RATE * grad, net, grads)


def train_step(net, images, labels):
    x = (images.astype(jnp.float32) / 255.0).reshape(len(images), 784)
    (loss, logits), grads = jax.value_and_grad(loss_and_logits, has_aux=True)(net, x, labels)
    return updated(net, grads), (loss, jnp.sum(jnp.argmax(logits, 1) == labels))


def wide_train_step(net, x, labels):
    (loss, _), grads = jax.value_and_grad(loss_and_logits, has_aux=True)(net, x, labels)
    return updated(net, grads), loss


def cnn_loss(net, x, labels):
    convolutions, dense = net
    for filters, bias in convolutions:
        x = lax.conv_general_dilated(x, filters, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return loss_and_logits(dense, x.reshape(len(x), -1), labels)[0]


def cnn_train_step(net, x, labels):
    loss, grads = jax.value_and_grad(cnn_loss)(net, x, labels)
    return updated(net, grads), loss


def layers(sizes):
    return jax.tree.map(jnp.asarray, measure.layers(sizes))


def totals(results):
    losses, hits = results
    return np.sum(losses, dtype=float), np.sum(hits)


def recipe_epoch():
    """The whole epoch as one call."""

    def steps(net, images, labels):
        def body(net, i):
            return train_step(net, images[i % measure.BATCHES], labels[i % measure.BATCHES])

        return lax.scan(body, net, jnp.arange(measure.STEPS))

    compiled = jax.jit(steps, donate_argnums=0)
    net = layers(measure.RECIPE)
    images, labels = jax.device_put(measure.batches())

    def epoch():
        nonlocal net
        net, results = jax.block_until_ready(compiled(net, images, labels))
        return results

    measure.check_epoch(*totals(epoch()))
    return lambda: seconds(1, epoch)


def recipe_step():
    """A call for each step, which need not wait for the one before."""
    compiled = jax.jit(train_step, donate_argnums=0)
    net = layers(measure.RECIPE)
    batches = [jax.device_put(batch) for batch in zip(*measure.batches())]

    def epoch():
        nonlocal net
        results = []
        for i in range(measure.STEPS):
            net, result = compiled(net, *batches[i % measure.BATCHES])
            results.append(result)
        jax.block_until_ready((net, results))
        return zip(*results)

    measure.check_epoch(*totals(epoch()))
    return lambda: seconds(1, epoch)


def call():
    compiled = jax.jit(lambda x: x + 1)
    x = jnp.float32(1.0)
    return lambda: 1e6 * seconds(20_000, lambda: compiled(x).block_until_ready())


def first_call():
    """Another number of examples is another signature."""
    compiled = jax.jit(train_step)
    net = layers(measure.RECIPE)
    examples = measure.BATCH

    def sample():
        nonlocal examples
        examples += 1
        batch = jax.device_put(measure.pixels_and_labels(examples))
        return 1e3 * seconds(1, lambda: jax.block_until_ready(compiled(net, *batch)))

    return sample


def scalar_loop():
    """The counter is an i64."""

    def count(n):
        def body(state):
            i, s = state
            return i + 1, s * 0.999999 + 1.0

        return lax.while_loop(lambda state: state[0] < n, body, (jnp.int64(0), jnp.float32(0)))[1]

    with jax.enable_x64(True):
        n = jnp.int64(measure.ITERATIONS)
        compiled = jax.jit(count).lower(n).compile()
        measure.check_scalar_loop(compiled(n))
    return lambda: 1e9 * seconds(1, lambda: compiled(n).block_until_ready()) / measure.ITERATIONS


@jax.jit
def chained(x):
    y = x
    for _ in range(10):
        y = y * x + 0.5
    return jnp.maximum(y, 0.0) - x


@jax.jit
def transcended(x):
    y = x
    for _ in range(5):
        y = jnp.tanh(y / 2.0 + 0.25) * jnp.exp(-(y * y)) + y
    return y


@jax.jit
def mean_square(x):
    y = x * 2.0 - 1.0
    return jnp.mean(y * y)


def pointwise(function, check, elements, times):
    x = jnp.asarray(measure.uniform(elements))
    check(np.asarray(x), np.asarray(function(x)))
    return lambda: 1e9 * seconds(times, lambda: function(x).block_until_ready()) / elements


def wide_step():
    compiled = jax.jit(wide_train_step, donate_argnums=0)
    net = layers(measure.WIDE)
    x, labels = jax.device_put(measure.wide_batch())

    def step():
        nonlocal net
        net, loss = jax.block_until_ready(compiled(net, x, labels))
        return loss

    measure.check_wide(sum(float(step()) for _ in range(measure.WIDE_STEPS)))
    return lambda: 1e3 * seconds(measure.WIDE_STEPS, step)


def cnn_step():
    compiled = jax.jit(cnn_train_step, donate_argnums=0)
    net = jax.tree.map(jnp.asarray, measure.cnn_layers())
    x, labels = jax.device_put(measure.cnn_batch())

    def step():
        nonlocal net
        net, loss = jax.block_until_ready(compiled(net, x, labels))
        return loss

    measure.check_cnn(sum(float(step()) for _ in range(measure.CNN_STEPS)))
    return lambda: 1e3 * seconds(measure.CNN_STEPS, step)


if __name__ == "__main__":
    measure.main(
        f"JAX {jax.__version__}",
        [
            Figure("recipe_epoch", "s/epoch", 9, recipe_epoch),
            Figure("recipe_step", "s/epoch", 5, recipe_step),
            Figure("call", "us", 9, call),
            Figure("first_call", "ms", 9, first_call),
            Figure("scalar_loop", "ns/iteration", 9, scalar_loop),
            *measure.pointwise_figures(pointwise, chained, transcended, mean_square),
            Figure("wide_step", "ms", 9, wide_step),
            Figure("cnn_step", "ms", 9, cnn_step),
        ],
    )
