"""The figures with PyTorch as it stands, eager, on as many threads as there are processors."""

import measure
from measure import Figure, seconds

import torch
from torch.nn import functional

torch.set_num_threads(measure.processors())


def logits_of(net, x):
    *hidden, last = net
    for weight, bias in hidden:
        x = torch.relu(torch.addmm(bias, x, weight))
    return torch.addmm(last[1], x, last[0])


def step_along_gradient(net, loss):
    """Plain SGD."""
    values = [value for layer in net for value in layer]
    grads = torch.autograd.grad(loss, values)
    with torch.no_grad():
        torch._foreach_add_(values, grads, alpha=-measure.LEARNING_RATE)


def train_step(net, images, labels):
    x = (images.float() / 255.0).reshape(len(images), 784)
    labels = labels.long()
    logits = logits_of(net, x)
    loss = functional.cross_entropy(logits, labels)
    step_along_gradient(net, loss)
    return loss.detach(), (logits.detach().argmax(1) == labels).sum()


def wide_train_step(net, x, labels):
    loss = functional.cross_entropy(logits_of(net, x), labels)
    step_along_gradient(net, loss)
    return loss.detach()


def layers(sizes):
    return trained(measure.layers(sizes))


def trained(numpy_layers):
    return [tuple(torch.from_numpy(value).requires_grad_() for value in layer) for layer in numpy_layers]


def recipe_step():
    net = layers(measure.RECIPE)
    images, labels = map(torch.from_numpy, measure.batches())

    def epoch():
        number = measure.BATCHES
        return [train_step(net, images[i % number], labels[i % number]) for i in range(measure.STEPS)]

    losses, hits = zip(*epoch())
    measure.check_epoch(sum(map(float, losses)), sum(map(int, hits)))
    return lambda: seconds(1, epoch)


def call():
    x = torch.tensor(1.0)
    return lambda: 1e6 * seconds(20_000, lambda: x + 1)


def chained(x):
    y = x
    for _ in range(10):
        y = y * x + 0.5
    return y.clamp_min(0.0) - x


def transcended(x):
    y = x
    for _ in range(5):
        y = torch.tanh(y / 2.0 + 0.25) * torch.exp(-(y * y)) + y
    return y


def mean_square(x):
    y = x * 2.0 - 1.0
    return (y * y).mean()


def pointwise(function, check, elements, times):
    x = torch.from_numpy(measure.uniform(elements))
    check(x.numpy(), function(x).numpy())
    return lambda: 1e9 * seconds(times, lambda: function(x)) / elements


def wide_step():
    net = layers(measure.WIDE)
    x, labels = map(torch.from_numpy, measure.wide_batch())
    measure.check_wide(sum(float(wide_train_step(net, x, labels)) for _ in range(measure.WIDE_STEPS)))
    return lambda: 1e3 * seconds(measure.WIDE_STEPS, lambda: wide_train_step(net, x, labels))


def cnn_step():
    """In PyTorch's own layout, with the channels in front."""
    convolutions, dense = measure.cnn_layers()
    side = 5
    weight = dense[0][0].reshape(side, side, -1, measure.CNN_DENSE[1]).transpose(2, 0, 1, 3)
    dense[0] = (weight.reshape(measure.CNN_DENSE[:2]).copy(), dense[0][1])
    convolutions = [(filters.transpose(3, 2, 0, 1).copy(), bias) for filters, bias in convolutions]
    net = [trained(convolutions), trained(dense)]
    images, labels = map(torch.from_numpy, measure.cnn_batch())
    images = images.permute(0, 3, 1, 2).contiguous()

    def step():
        x = images
        for filters, bias in net[0]:
            x = functional.max_pool2d(torch.relu(functional.conv2d(x, filters, bias)), 2)
        loss = functional.cross_entropy(logits_of(net[1], x.flatten(1)), labels)
        step_along_gradient(net[0] + net[1], loss)
        return loss.detach()

    measure.check_cnn(sum(float(step()) for _ in range(measure.CNN_STEPS)))
    return lambda: 1e3 * seconds(measure.CNN_STEPS, step)


if __name__ == "__main__":
    measure.main(
        f"PyTorch {torch.__version__}",
        [
            Figure("recipe_step", "s/epoch", 5, recipe_step),
            Figure("call", "us", 9, call),
            *measure.pointwise_figures(pointwise, chained, transcended, mean_square),
            Figure("wide_step", "ms", 9, wide_step),
            Figure("cnn_step", "ms", 9, cnn_step),
        ],
    )
