"""Exercises of lesson 12: read a learning curve, stop early, choose and report."""

from __future__ import annotations

import numpy as np

from labkit.learn.checks import Exercise

# --- read a learning curve: four words ----------------------------------------------------------

# Loss on training and on validation images after 0, 2, ... 40 epochs, measured with the lesson's
# network: A 100 images, Adam 0.005; B 200 images, plain SGD 0.005; C 2,000 images, augmented,
# Adam 0.0005; D 200 images, Adam 0.1.
CURVES = {
    "A": (
        [2.33, 0.99, 0.19, 0.04, 0.01, *[0.0] * 16],
        [
            2.32,
            1.45,
            0.94,
            0.92,
            0.88,
            0.96,
            1.0,
            1.01,
            1.02,
            1.02,
            1.03,
            1.03,
            1.03,
            1.03,
            1.03,
            1.04,
            1.04,
            1.04,
            1.04,
            1.05,
            1.05,
        ],
    ),
    "B": (
        [
            2.33,
            2.28,
            2.24,
            2.2,
            2.17,
            2.13,
            2.1,
            2.07,
            2.03,
            2.0,
            1.96,
            1.92,
            1.88,
            1.84,
            1.8,
            1.76,
            1.72,
            1.67,
            1.63,
            1.59,
            1.54,
        ],
        [
            2.32,
            2.28,
            2.25,
            2.22,
            2.2,
            2.17,
            2.14,
            2.12,
            2.09,
            2.06,
            2.03,
            2.0,
            1.97,
            1.94,
            1.91,
            1.87,
            1.84,
            1.8,
            1.77,
            1.73,
            1.7,
        ],
    ),
    "C": (
        [
            2.32,
            1.15,
            0.66,
            0.53,
            0.45,
            0.41,
            0.37,
            0.34,
            0.31,
            0.3,
            0.27,
            0.26,
            0.23,
            0.23,
            0.21,
            0.2,
            0.19,
            0.19,
            0.18,
            0.18,
            0.17,
        ],
        [
            2.32,
            1.15,
            0.67,
            0.54,
            0.46,
            0.42,
            0.39,
            0.36,
            0.33,
            0.32,
            0.29,
            0.29,
            0.26,
            0.26,
            0.25,
            0.24,
            0.23,
            0.23,
            0.23,
            0.21,
            0.21,
        ],
    ),
    "D": (
        [
            2.33,
            1.9,
            1.3,
            1.15,
            1.07,
            0.95,
            0.93,
            1.05,
            1.14,
            0.98,
            0.86,
            0.83,
            0.88,
            0.94,
            0.93,
            0.92,
            0.86,
            0.96,
            0.89,
            1.21,
            1.21,
        ],
        [
            2.32,
            1.96,
            1.75,
            1.55,
            1.52,
            1.39,
            1.44,
            1.59,
            1.65,
            1.62,
            1.56,
            1.53,
            1.6,
            1.75,
            1.72,
            1.61,
            1.58,
            1.65,
            1.83,
            1.84,
            1.78,
        ],
    ),
}

_WORDS = ["overfits", "underfits", "fine", "rate too high"]


def _with(place, word):
    return [word if i == place else right for i, right in enumerate(_WORDS)]


reading = Exercise(
    name="reading",
    right=_WORDS,
    mistakes={
        "overfitting and underfitting exchanged": (
            ["underfits", "overfits", "fine", "rate too high"],
            "Underfitting: the network does not even learn its training images. Which of A and B "
            "has a training loss of almost 0?",
        ),
        "A: fine": (
            _with(0, "fine"),
            "A: the training loss is perfect, but nobody needs answers to training images. What "
            "does the validation loss do after epoch 8?",
        ),
        "A: rate too high": (
            _with(0, "rate too high"),
            "A: with a rate that is too high the training loss would jump. Here it falls smoothly "
            "to 0; only the validation loss turns.",
        ),
        "B: fine": (
            _with(1, "fine"),
            "B: the two curves lie close together, but both are high and still fall. The network "
            "has learned too little, and has to go on (or faster).",
        ),
        "B: overfits": (
            _with(1, "overfits"),
            "B: the small gap is not the trouble. Look at the training loss: it is still high.",
        ),
        "C: overfits": (
            _with(2, "overfits"),
            "C: a small gap is normal. The validation loss is low and does not rise.",
        ),
        "C: underfits": (
            _with(2, "underfits"),
            "C: the training loss is low at the end and has almost stopped falling.",
        ),
        "D: overfits": (
            _with(3, "overfits"),
            "D: there is a gap, yes. But the training loss itself stays high and jumps up and "
            "down: the steps are too long.",
        ),
        "D: underfits": (
            _with(3, "underfits"),
            "D: the training loss is high, but why? It jumps up and down from epoch to epoch. More "
            "epochs would not help.",
        ),
    },
    hint="First the training loss: low at the end, falling, jumping? Then the gap, and its turn.",
)

# --- early stopping: my_stop(losses, patience) -> (epoch kept, epoch stopped) -------------------


def _stop(losses, patience, late=0, ties=False):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] or (ties and loss == losses[best]):
            best = epoch
        if epoch - best == patience + late:
            break
    return best, epoch


def _first_rise(losses, patience):
    rises = [e for e in range(1, len(losses)) if losses[e] > losses[e - 1]]
    stopped = rises[0] if rises else len(losses) - 1
    return stopped - bool(rises), stopped


def _rises_in_a_row(losses, patience):
    row = 0
    for epoch in range(1, len(losses)):
        row = row + 1 if losses[epoch] > losses[epoch - 1] else 0
        if row == patience:
            break
    return int(np.argmin(losses[: epoch + 1])), epoch


stop = Exercise(
    name="stop",
    right=_stop,
    cases=[
        ([2.3, 1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.8, 0.85, 0.6], 3),
        ([2.3, 1.5, 1.2, 1.3, 1.25, 1.3, 1.28, 1.1], 4),
        ([2.3, 1.5, 1.2, 1.0, 0.9], 2),
        ([1.0, 0.9, 0.9, 0.95, 0.5], 2),
        ([1.0, 0.5, 0.6, 0.7, 0.65, 0.6, 0.9, 1.0, 1.1, 0.4], 4),
        ([1.0, 0.5, 0.6, 0.7, 0.65, 0.9, 1.0, 1.1, 1.2, 0.3], 3),
    ],
    mistakes={
        "the last weights are kept": (
            lambda losses, patience: (_stop(losses, patience)[1],) * 2,
            "You keep the weights of the epoch in which you stop. They are `patience` epochs past "
            "the best ones.",
        ),
        "looked into the future": (
            lambda losses, patience: (int(np.argmin(losses)), _stop(losses, patience)[1]),
            "You took the lowest loss of the whole list. When training stops, nobody knows what "
            "would have come later.",
        ),
        "never stops": (
            lambda losses, patience: (int(np.argmin(losses)), len(losses) - 1),
            "You went through to the last epoch. Stop `patience` epochs after the best one.",
        ),
        "patience is not used": (
            _first_rise,
            "You stop at the first rise. One bad epoch is often chance; that is what patience is "
            "for.",
        ),
        "rises in a row": (
            _rises_in_a_row,
            "You count epochs in which the loss rose against the epoch before. Count the epochs "
            "since the best one: a small fall above the best is no progress.",
        ),
        "one epoch too late": (
            lambda losses, patience: _stop(losses, patience, late=1),
            "You wait one epoch too long. With patience 1, the first epoch without progress is the "
            "last.",
        ),
        "one epoch too early": (
            lambda losses, patience: _stop(losses, patience, late=-1),
            "You stop one epoch too early: `patience` epochs without progress have to pass.",
        ),
        "an equal loss counts as progress": (
            lambda losses, patience: _stop(losses, patience, ties=True),
            "An equal loss is no progress: it has not fallen *below* the best.",
        ),
        "exchanged": (
            lambda losses, patience: _stop(losses, patience)[::-1],
            "Both numbers are right, in the wrong order: first the epoch that is kept, then the "
            "epoch of the stop.",
        ),
        "a loss instead of an epoch": (
            lambda losses, patience: (min(losses), _stop(losses, patience)[1]),
            "The first number shall be an epoch, not its loss.",
        ),
        "counted from 1": (
            lambda losses, patience: tuple(e + 1 for e in _stop(losses, patience)),
            "You count from 1. `losses[0]` is the loss after 0 epochs, before training.",
        ),
    },
    hint="best = place of the lowest loss so far; stop when epoch - best == patience.",
)

# --- choose and report: my_choice(validation_accuracy, test_accuracy) -> (number, accuracy) -----


def _choice(validation, test):
    chosen = int(np.argmax(validation))
    return chosen, test[chosen]


def _by_test(validation, test):
    chosen = int(np.argmax(test))
    return chosen, test[chosen]


def _by_both(validation, test):
    chosen = int(np.argmax(np.add(validation, test)))
    return chosen, test[chosen]


_RANDOM = np.random.default_rng(12)


def _accuracies(networks=8):
    validation, test = _RANDOM.uniform(0.8, 0.9, (2, networks)).round(3)
    return validation.tolist(), test.tolist()


choice = Exercise(
    name="choice",
    right=_choice,
    cases=[_accuracies() for _ in range(5)],
    mistakes={
        "chosen by the test": (
            _by_test,
            "You chose by the test accuracy. Then the test is no test any more: its number is the "
            "luckiest of eight.",
        ),
        "chosen by both": (
            _by_both,
            "You let the test images take part in the choice. Even a small part of the choice "
            "spoils the report.",
        ),
        "the validation accuracy is reported": (
            lambda validation, test: (int(np.argmax(validation)), max(validation)),
            "The choice is right. But you report the number that made the choice; it flatters. "
            "Report the chosen network's accuracy on the test images.",
        ),
        "the best test accuracy is reported": (
            lambda validation, test: (int(np.argmax(validation)), max(test)),
            "The choice is right. But you report the test accuracy of another network.",
        ),
        "the mean of all tests": (
            lambda validation, test: (int(np.argmax(validation)), float(np.mean(test))),
            "The choice is right. But you report the mean over all eight networks; only one of "
            "them will be used.",
        ),
        "the worst": (
            lambda validation, test: (int(np.argmin(validation)), test[int(np.argmin(validation))]),
            "You chose the network with the *lowest* validation accuracy. A loss is better when "
            "lower, an accuracy when higher.",
        ),
        "counted from 1": (
            lambda validation, test: (int(np.argmax(validation)) + 1, _choice(validation, test)[1]),
            "You count the networks from 1. Python counts from 0, as np.argmax does.",
        ),
    },
    hint="np.argmax of the list you may look at; then the other list at that place.",
)
