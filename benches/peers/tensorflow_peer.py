"""The figures with TensorFlow, without Keras: functions compiled by XLA; the epoch also as one call, a loop over its steps.

A function of a few scalars is called faster without XLA, so that is how `call` is measured. Calls on the processor
return when they are done.
"""

import measure
from measure import Figure, seconds

import tensorflow as tf


def logits_of(net, x):
    *hidden, last = net
    for weight, bias in hidden:
        x = tf.nn.relu(tf.matmul(x, weight) + bias)
    return tf.matmul(x, last[0]) + last[1]


def loss_logits_and_grads(net, x, labels):
    with tf.GradientTape() as tape:
        tape.watch(net)
        logits = logits_of(net, x)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int64), logits)
        loss = tf.reduce_mean(each)
    return loss, logits, tape.gradient(loss, net)


def loss_hits_and_grads(net, images, labels):
    x = tf.reshape(tf.cast(images, tf.float32) / 255.0, [-1, 784])
    loss, logits, grads = loss_logits_and_grads(net, x, labels)
    hit = tf.argmax(logits, 1) == tf.cast(labels, tf.int64)
    return loss, tf.reduce_sum(tf.cast(hit, tf.int64)), grads


def update(net, grads):
    """Updates variables in place."""
    for value, grad in zip(tf.nest.flatten(net), tf.nest.flatten(grads)):
        value.assign_sub(measure.LEARNING_RATE * grad)


def layers(sizes):
    return [(tf.Variable(weight), tf.Variable(bias)) for weight, bias in measure.layers(sizes)]


def batches():
    images, labels = measure.batches()
    return tf.constant(images), tf.constant(labels)


def recipe_epoch():
    """The whole epoch as one call. Its loop carries the layers; the variables are assigned at the end."""
    net = layers(measure.RECIPE)
    images, labels = batches()

    @tf.function(jit_compile=True)
    def epoch():
        values = [(tf.identity(weight), tf.identity(bias)) for weight, bias in net]
        losses, hits = tf.constant(0.0), tf.constant(0, tf.int64)
        for i in tf.range(measure.STEPS):
            number = i % measure.BATCHES
            loss, hit, grads = loss_hits_and_grads(values, images[number], labels[number])
            values = tf.nest.map_structure(lambda v, g: v - measure.LEARNING_RATE * g, values, grads)
            losses += loss
            hits += hit
        tf.nest.map_structure(lambda variable, value: variable.assign(value), net, values)
        return losses, hits

    losses, hits = epoch()
    measure.check_epoch(losses, hits)
    return lambda: seconds(1, lambda: epoch()[0].numpy())


def recipe_step():
    """A call for each step."""
    net = layers(measure.RECIPE)

    @tf.function(jit_compile=True)
    def step(images, labels):
        loss, hits, grads = loss_hits_and_grads(net, images, labels)
        update(net, grads)
        return loss, hits

    data = list(zip(*map(tf.unstack, batches())))

    def epoch():
        return [step(*data[i % measure.BATCHES]) for i in range(measure.STEPS)]

    losses, hits = zip(*epoch())
    measure.check_epoch(tf.add_n(losses), tf.add_n(hits))
    return lambda: seconds(1, lambda: epoch()[-1][0].numpy())


def call():
    add_one = tf.function(lambda x: x + 1)
    x = tf.constant(1.0)
    return lambda: 1e6 * seconds(2_000, lambda: add_one(x).numpy())


def first_call():
    """Another number of examples is another signature."""
    net = layers(measure.RECIPE)
    examples = measure.BATCH

    @tf.function(jit_compile=True)
    def step(images, labels):
        loss, hits, grads = loss_hits_and_grads(net, images, labels)
        update(net, grads)
        return loss, hits

    def sample():
        nonlocal examples
        examples += 1
        images, labels = map(tf.constant, measure.pixels_and_labels(examples))
        # A new shape may be traced as an unknown one, unless the function is asked for just this one.
        return 1e3 * seconds(1, lambda: step.get_concrete_function(images, labels)(images, labels)[0].numpy())

    return sample


def scalar_loop():
    @tf.function(jit_compile=True)
    def count(n):
        i, s = tf.constant(0, tf.int64), tf.constant(0.0)
        while i < n:
            i += 1
            s = s * 0.999999 + 1.0
        return s

    n = tf.constant(measure.ITERATIONS, tf.int64)
    measure.check_scalar_loop(count(n))
    return lambda: 1e9 * seconds(1, lambda: count(n).numpy()) / measure.ITERATIONS


@tf.function(jit_compile=True)
def chained(x):
    y = x
    for _ in range(10):
        y = y * x + 0.5
    return tf.maximum(y, 0.0) - x


@tf.function(jit_compile=True)
def transcended(x):
    y = x
    for _ in range(5):
        y = tf.tanh(y / 2.0 + 0.25) * tf.exp(-(y * y)) + y
    return y


@tf.function(jit_compile=True)
def mean_square(x):
    y = x * 2.0 - 1.0
    return tf.reduce_mean(y * y)


def pointwise(function, check, elements, times):
    x = tf.constant(measure.uniform(elements))
    check(x.numpy(), function(x).numpy())
    return lambda: 1e9 * seconds(times, lambda: function(x)) / elements


def wide_step():
    net = layers(measure.WIDE)
    x, labels = map(tf.constant, measure.wide_batch())

    @tf.function(jit_compile=True)
    def step():
        loss, _, grads = loss_logits_and_grads(net, x, labels)
        update(net, grads)
        return loss

    measure.check_wide(sum(float(step()) for _ in range(measure.WIDE_STEPS)))
    return lambda: 1e3 * seconds(measure.WIDE_STEPS, lambda: step().numpy())


def cnn_step():
    convolutions, dense = measure.cnn_layers()
    net = [[(tf.Variable(weight), tf.Variable(bias)) for weight, bias in part] for part in (convolutions, dense)]
    x, labels = map(tf.constant, measure.cnn_batch())

    @tf.function(jit_compile=True)
    def step():
        with tf.GradientTape() as tape:
            y = x
            for filters, bias in net[0]:
                y = tf.nn.relu(tf.nn.conv2d(y, filters, 1, "VALID") + bias)
                y = tf.nn.max_pool2d(y, 2, 2, "VALID")
            logits = logits_of(net[1], tf.reshape(y, [measure.CNN_BATCH, -1]))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        update(net, tape.gradient(loss, net))
        return loss

    measure.check_cnn(sum(float(step()) for _ in range(measure.CNN_STEPS)))
    return lambda: 1e3 * seconds(measure.CNN_STEPS, lambda: step().numpy())


if __name__ == "__main__":
    measure.main(
        f"TensorFlow {tf.__version__}",
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
