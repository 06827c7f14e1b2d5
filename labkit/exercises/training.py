"""Exercises of lesson 12: read a learning curve, dropout, choose and report, stop early."""

from __future__ import annotations

import numpy as np

from labkit.learn.checks import Exercise

# --- read a learning curve: four words ----------------------------------------------------------

# Loss on training and on validation images after 0, 2, ... 40 epochs (rows), measured with the
# lesson's network: A 100 images, Adam 0.005; B 200 images, plain SGD 0.005; C 2,000 images,
# augmented, Adam 0.0005; D 200 images, Adam 0.1.
_LOSSES = """
2.33 2.32   2.33 2.32   2.32 2.32   2.33 2.32
0.99 1.45   2.28 2.28   1.15 1.15   1.90 1.96
0.19 0.94   2.24 2.25   0.66 0.67   1.30 1.75
0.04 0.92   2.20 2.22   0.53 0.54   1.15 1.55
0.01 0.88   2.17 2.20   0.45 0.46   1.07 1.52
0.00 0.96   2.13 2.17   0.41 0.42   0.95 1.39
0.00 1.00   2.10 2.14   0.37 0.39   0.93 1.44
0.00 1.01   2.07 2.12   0.34 0.36   1.05 1.59
0.00 1.02   2.03 2.09   0.31 0.33   1.14 1.65
0.00 1.02   2.00 2.06   0.30 0.32   0.98 1.62
0.00 1.03   1.96 2.03   0.27 0.29   0.86 1.56
0.00 1.03   1.92 2.00   0.26 0.29   0.83 1.53
0.00 1.03   1.88 1.97   0.23 0.26   0.88 1.60
0.00 1.03   1.84 1.94   0.23 0.26   0.94 1.75
0.00 1.03   1.80 1.91   0.21 0.25   0.93 1.72
0.00 1.04   1.76 1.87   0.20 0.24   0.92 1.61
0.00 1.04   1.72 1.84   0.19 0.23   0.86 1.58
0.00 1.04   1.67 1.80   0.19 0.23   0.96 1.65
0.00 1.04   1.63 1.77   0.18 0.23   0.89 1.83
0.00 1.05   1.59 1.73   0.18 0.21   1.21 1.84
0.00 1.05   1.54 1.70   0.17 0.21   1.21 1.78
"""
_COLUMNS = np.array([line.split() for line in _LOSSES.split("\n")[1:-1]], float).T.tolist()
CURVES = dict(zip("ABCD", zip(_COLUMNS[::2], _COLUMNS[1::2], strict=True), strict=True))

_WORDS = ["overfits", "underfits", "fine", "rate too high"]


def _with(place, word):
    return [word if i == place else right for i, right in enumerate(_WORDS)]


reading = Exercise(
    name="reading",
    lesson="12",
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


def _later_of_two(losses, patience):
    best, stopped = _stop(losses, patience)
    return max(e for e in range(stopped + 1) if losses[e] == losses[best]), stopped


def _never_reset(losses, patience):
    best = without_progress = 0
    for epoch in range(1, len(losses)):
        progress = losses[epoch] < losses[best]
        best, without_progress = epoch if progress else best, without_progress + (not progress)
        if without_progress == patience:
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
    lesson="12",
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
            "You stop one epoch too early: count the epochs that passed without progress.",
        ),
        "an equal loss counts as progress": (
            lambda losses, patience: _stop(losses, patience, ties=True),
            "An equal loss is no progress: it has not fallen *below* the best.",
        ),
        "the later of two equal epochs": (
            _later_of_two,
            "Of two equal losses you keep the later one. It is no progress: the first one stays "
            "the best, and patience counts from there.",
        ),
        "counter never reset": (
            _never_reset,
            "You add up all epochs without progress since the start. Patience begins anew whenever "
            "the loss falls below its best.",
        ),
        "epochs counted for the stop": (
            lambda losses, patience: (_stop(losses, patience)[0], _stop(losses, patience)[1] + 1),
            "Your second number is how many losses were seen. The epoch of the last of them is one "
            "less: `losses[0]` is the loss after 0 epochs.",
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
    hint="Go through the epochs as training does. Keep the place of the lowest loss so far: how "
    "long ago may it be?",
)

# --- dropout: my_dropout(h, u, rate) -> array like h ---------------------------------------------


def _dropout(h, u, rate):
    return np.where(u < rate, 0.0, h / (1 - rate))


def _outputs(seed, images, units, rate):
    random = np.random.default_rng(seed)
    return random.normal(0.0, 2.0, (images, units)).round(1), random.random((images, units)), rate


dropout = Exercise(
    name="dropout",
    lesson="12",
    right=_dropout,
    cases=[_outputs(1, 2, 4, 0.3), _outputs(2, 5, 2, 0.6), _outputs(3, 3, 7, 0.2)],
    then=[_outputs(4, 3, 5, 0.0)],
    mistakes={
        "the kept ones are not scaled up": (
            lambda h, u, rate: np.where(u < rate, 0.0, h),
            "The right units are off. But the sum of the others is now too small on average: in "
            "use, with all units on, the next layer would meet larger numbers than in training.",
        ),
        "scaled down": (
            lambda h, u, rate: np.where(u < rate, 0.0, h * (1 - rate)),
            "The right units are off. The others have to make up for them: they must become "
            "larger, and yours become smaller.",
        ),
        "scaled by the wrong share": (
            lambda h, u, rate: np.where(u < rate, 0.0, h / rate),
            "The right units are off. Which share of the sum is left on average, `rate` or the "
            "rest? Divide by the share that is left.",
        ),
        "the mask turned over": (
            lambda h, u, rate: np.where(u < rate, h / (1 - rate), 0.0),
            "You keep the units that should be off: those with a random number below `rate`.",
        ),
        "the mask turned over, with its scale": (
            lambda h, u, rate: np.where(u < rate, h / rate, 0.0),
            "You keep the units that should be off, and scale for that. `rate` is the share that "
            "is switched off: those with a random number below it.",
        ),
        "one mask for all images": (
            lambda h, u, rate: _dropout(h, u[:1], rate),
            "You take one row of `u` for all images. Each image of a batch has a mask of its own.",
        ),
        "whole images off": (
            lambda h, u, rate: _dropout(h, u[:, :1], rate),
            "You switch off all units of an image or none. Each unit has a number of its own.",
        ),
        "the mask alone": (
            lambda h, u, rate: (u >= rate).astype(float),
            "That is the mask: 1 for on, 0 for off. Where are the outputs `h`?",
        ),
        "the mask alone, scaled": (
            lambda h, u, rate: (u >= rate) / (1 - rate),
            "That is by what each output shall be multiplied. Where are the outputs `h`?",
        ),
        "multiplied by the random numbers": (
            lambda h, u, rate: h * u,
            "You multiply by the random numbers themselves. They only decide who is off.",
        ),
        "no unit off": (
            lambda h, u, rate: h / (1 - rate),
            "You scale all outputs and switch none off.",
        ),
    },
    hint="Two things: who is off (compare `u` with `rate`), and by what the others grow so that "
    "the sum stays the same on average.",
)

# --- choose and report: my_choice(validation, test) -> (number, loss) ------------------------


def _choice(validation, test):
    chosen = int(np.argmin(np.mean(validation, axis=1)))
    return chosen, float(np.mean(test[chosen]))


def _chosen_by(score, validation, test):
    chosen = int(np.argmin(score))
    return chosen, float(np.mean(test[chosen]))


def _flat(validation, test):
    place = int(np.argmin(validation))
    return place, float(np.ravel(test)[place])


def _other_axis(validation, test):
    chosen = int(np.argmin(np.mean(validation, axis=0)))
    return chosen, float(np.mean(test[chosen]))


_RANDOM = np.random.default_rng(43)


def _losses(settings, networks):
    validation, test = _RANDOM.uniform(0.5, 0.9, (2, settings, networks)).round(3)
    return validation, test


choice = Exercise(
    name="choice",
    lesson="12",
    right=_choice,
    cases=[_losses(4, 2), _losses(5, 3), _losses(6, 4), _losses(3, 5)],
    then=[_losses(2, 7), _losses(5, 2)],
    mistakes={
        "chosen by the test": (
            lambda validation, test: _chosen_by(np.mean(test, axis=1), validation, test),
            "You chose by the test loss. Then the test is no test any more: its number is the "
            "luckiest of several.",
        ),
        "chosen by both": (
            lambda validation, test: _chosen_by(
                np.mean(validation, axis=1) + np.mean(test, axis=1), validation, test
            ),
            "You let the test images take part in the choice. Even a small part of the choice "
            "spoils the report.",
        ),
        "chosen by the luckiest network": (
            lambda validation, test: _chosen_by(np.min(validation, axis=1), validation, test),
            "You chose the setting of the single best network. That network was lucky, too. Choose "
            "by the mean over the networks of a setting.",
        ),
        "the validation loss is reported": (
            lambda validation, test: (
                _choice(validation, test)[0],
                float(np.min(np.mean(validation, axis=1))),
            ),
            "The choice is right. But you report the number that made the choice; it flatters. "
            "Report the chosen setting's loss on the test images.",
        ),
        "the best test loss is reported": (
            lambda validation, test: (
                _choice(validation, test)[0],
                float(np.min(np.mean(test, axis=1))),
            ),
            "The choice is right. But you report the test loss of another setting.",
        ),
        "the luckiest test is reported": (
            lambda validation, test: (
                _choice(validation, test)[0],
                float(np.min(test[_choice(validation, test)[0]])),
            ),
            "The choice is right. But you report the best network of this setting; whoever trains "
            "anew gets one at random. Report the mean.",
        ),
        "the mean of all tests": (
            lambda validation, test: (_choice(validation, test)[0], float(np.mean(test))),
            "The choice is right. But you report the mean over all settings; only one of them "
            "will be used.",
        ),
        "one row too many": (
            lambda validation, test: (
                _choice(validation, test)[0],
                test[_choice(validation, test)[0]],
            ),
            "The choice is right. Your second value is a row, one loss for each network. Which "
            "single number stands for the setting?",
        ),
        "the worst": (
            lambda validation, test: _chosen_by(-np.mean(validation, axis=1), validation, test),
            "You chose the setting with the *highest* validation loss. An accuracy is better "
            "when higher, a loss when lower.",
        ),
        "a place in the flat array": (
            _flat,
            "np.argmin without an axis counts through all networks of all settings. First take "
            "the mean of each row: a row is a setting.",
        ),
        "the mean over the other axis": (
            _other_axis,
            "You took the mean over the settings, for each network. A row is a setting: the mean "
            "goes along it.",
        ),
        "counted from 1": (
            lambda validation, test: (
                _choice(validation, test)[0] + 1,
                _choice(validation, test)[1],
            ),
            "You count the settings from 1. Python counts from 0, as np.argmin does.",
        ),
    },
    hint="Which of the two arrays may choose, and which one reports? The mean along a row is the "
    "score of a setting.",
)
