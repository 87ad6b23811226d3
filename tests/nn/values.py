"""Makes values.rs beside it: optimizers, schedules, losses and metrics, computed by Keras in f64.

    pip install keras==3.15.1 numpy scikit-learn jax
    python values.py > values.rs && rustfmt values.rs
"""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"

import keras
import numpy as np
from sklearn import metrics as sk

keras.config.set_floatx("float64")

# Rates are sums of few powers of 2, so that they are the same in f32.
START = [[1.0, -2.0, 0.5], [0.25]]
STEPS = 6
OPTIMIZERS = {
    "SGD": lambda k: k.SGD(0.125),
    "SGD_MOMENTUM": lambda k: k.SGD(0.125, momentum=0.9),
    "SGD_NESTEROV": lambda k: k.SGD(0.125, momentum=0.9, nesterov=True),
    "SGD_DECAY": lambda k: k.SGD(0.125, momentum=0.9, weight_decay=0.01),
    "RMSPROP": lambda k: k.RMSprop(0.125),
    "RMSPROP_CENTERED": lambda k: k.RMSprop(0.125, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True),
    "ADAGRAD": lambda k: k.Adagrad(0.125),
    "ADAGRAD_FROM_1": lambda k: k.Adagrad(0.125, initial_accumulator_value=1.0, epsilon=1e-3),
    "ADAM": lambda k: k.Adam(0.125),
    "ADAM_BETAS": lambda k: k.Adam(0.125, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
    "AMSGRAD": lambda k: k.Adam(0.125, amsgrad=True),
    "ADAMW": lambda k: k.AdamW(0.125),
    "ADAMW_DECAY": lambda k: k.AdamW(0.125, weight_decay=0.25),
    "CLIP_NORM": lambda k: k.SGD(0.125, clipnorm=0.75),
    "CLIP_GLOBAL_NORM": lambda k: k.SGD(0.125, global_clipnorm=0.75),
    "CLIP_VALUE": lambda k: k.SGD(0.125, clipvalue=0.3),
}


def gradients(step):
    """Of both signs, of very different sizes, and one 0."""
    return [
        np.array([0.5 - 0.25 * step, 2.0 ** (1 - step), 0.001 * (step - 2)]),
        np.array([-1.0 if step % 2 else 0.375]),
    ]


def path(make):
    """All parameters after each step."""
    optimizer = make(keras.optimizers)
    variables = [keras.Variable(np.array(start), dtype="float64") for start in START]
    optimizer.build(variables)
    rows = []
    for step in range(STEPS):
        optimizer.apply(gradients(step))
        rows += [float(x) for variable in variables for x in np.ravel(np.array(variable))]
    return rows


SCHEDULE_STEPS = [0, 1, 4, 5, 9, 10, 15, 20, 25, 1000]
S = keras.optimizers.schedules
SCHEDULES = {
    "EXPONENTIAL": S.ExponentialDecay(0.125, 10, 0.5),
    "STEPS": S.ExponentialDecay(0.125, 10, 0.5, staircase=True),
    "COSINE": S.CosineDecay(0.125, 20),
    "COSINE_FLOOR": S.CosineDecay(0.125, 20, alpha=0.25),
}

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -20.0], [-0.25, 0.125, 0.0625]])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
# What adds up to other than 1 is divided by its sum, what is 0 is lifted.
SCORES = np.array([[0.5, 0.25, 0.5], [0.0, 0.25, 0.75], [0.125, 0.875, 0.0]])
INNER = SCORES / 2 + 0.25
SOFT = np.array([[0.75, 0.25, 0.0], [0.0, 0.5, 0.5], [0.125, 0.375, 0.5]])
HARD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
TARGETS = np.array([[1.5, -1.0, 0.0], [0.25, 5.0, -20.0], [0.0, 0.0, 1.0]])


def each(loss, targets, predictions):
    """The mean over single elements, by numpy: that of Keras has the digits of f32 only."""
    return np.mean(loss(targets.reshape(-1, 1), predictions.reshape(-1, 1)))


def rows(loss, targets, predictions):
    """The mean over rows."""
    return np.mean(loss(targets, predictions))


L = keras.losses
def binary_from_logits(targets):
    return np.mean(targets * np.logaddexp(0, -LOGITS) + (1 - targets) * np.logaddexp(0, LOGITS))


NONE = {"reduction": "none"}
LOSSES = {
    "CROSS_ENTROPY": rows(L.CategoricalCrossentropy(**NONE), SOFT, SCORES),
    "CROSS_ENTROPY_LOGITS": rows(L.CategoricalCrossentropy(from_logits=True, **NONE), SOFT, LOGITS),
    "CROSS_ENTROPY_SMOOTH": rows(L.CategoricalCrossentropy(label_smoothing=0.1, **NONE), HARD, SCORES),
    # By their formula: Keras agrees to 1e-8 only.
    "BINARY": -np.mean(SOFT * np.log(INNER) + (1 - SOFT) * np.log(1 - INNER)),
    "BINARY_LOGITS": binary_from_logits(SOFT),
    "BINARY_SMOOTH": binary_from_logits(HARD * 0.9 + 0.05),
    "ABSOLUTE": each(L.MeanAbsoluteError(**NONE), TARGETS, LOGITS),
    "HUBER": each(L.Huber(**NONE), TARGETS, LOGITS),
    "HUBER_QUARTER": each(L.Huber(delta=0.25, **NONE), TARGETS, LOGITS),
    "HINGE": each(L.Hinge(**NONE), 2 * HARD - 1, LOGITS),
    "HINGE_BINARY": each(L.Hinge(**NONE), HARD, LOGITS),
}

# Sixty predictions with ties, zeros and ones, and what was so; in three batches of 20.
I = np.arange(60)
GUESSES = ((I * 37) % 65) / 64
TRUTH = ((GUESSES + ((I * 23) % 19) / 19) > 1.0).astype("float64")
CLASS_SCORES = np.array([[((i * 7 + j * 11) % 13) / 16 for j in range(5)] for i in range(60)])
LABELS = (I * I + I // 7 + 3) % 5


def metric(metric, targets, predictions):
    for start in range(0, 60, 20):
        metric.update_state(targets[start : start + 20], predictions[start : start + 20])
    return metric.result()


M = keras.metrics
METRICS = {
    "TOP_1": metric(M.SparseTopKCategoricalAccuracy(1), LABELS, CLASS_SCORES),
    "TOP_2": metric(M.SparseTopKCategoricalAccuracy(2), LABELS, CLASS_SCORES),
    "TOP_3": metric(M.SparseTopKCategoricalAccuracy(3), LABELS, CLASS_SCORES),
    "PRECISION": metric(M.Precision(), TRUTH, GUESSES),
    "PRECISION_AT_80": metric(M.Precision(thresholds=0.8), TRUTH, GUESSES),
    "PRECISION_OF_2": metric(M.Precision(class_id=2, thresholds=0.25), np.eye(5)[LABELS], CLASS_SCORES),
    "RECALL": metric(M.Recall(), TRUTH, GUESSES),
    "RECALL_AT_80": metric(M.Recall(thresholds=0.8), TRUTH, GUESSES),
    "RECALL_OF_2": metric(M.Recall(class_id=2, thresholds=0.25), np.eye(5)[LABELS], CLASS_SCORES),
    "AUC": metric(M.AUC(), TRUTH, GUESSES),
    "AUC_9": metric(M.AUC(num_thresholds=9), TRUTH, GUESSES),
    "AUC_PR": metric(M.AUC(curve="PR"), TRUTH, GUESSES),
    "AUC_PR_9": metric(M.AUC(num_thresholds=9, curve="PR"), TRUTH, GUESSES),
}
CONFUSION = sk.confusion_matrix(LABELS, CLASS_SCORES.argmax(-1))
PER_CLASS = sk.precision_recall_fscore_support(LABELS, CLASS_SCORES.argmax(-1), zero_division=0)


def floats(values):
    return "&[" + ", ".join(repr(float(value)) for value in np.ravel(values)) + "]"


print("//! Made by values.py beside it.")
print()
for name, make in OPTIMIZERS.items():
    print(f"pub(super) const {name}: &[f64] = {floats(path(make))};")
for name, schedule in SCHEDULES.items():
    rates = [schedule(step) for step in SCHEDULE_STEPS]
    print(f"pub(super) const {name}: &[f64] = {floats(rates)};")
for name, value in (LOSSES | METRICS).items():
    print(f"pub(super) const {name}: f64 = {float(value)!r};")
print(f"pub(super) const CONFUSION: &[i64] = &{CONFUSION.ravel().tolist()};")
for name, values in zip(["PRECISIONS", "RECALLS", "F1_SCORES"], PER_CLASS):
    print(f"pub(super) const {name}: &[f64] = {floats(values)};")
