"""Exercises of lesson 20: intensity of a layer, Amdahl, the next loss scale, the interval."""

import math

from labkit.datacenter.checkpoints import best_interval, daly, young
from labkit.learn.checks import Exercise

# --- intensity: my_intensity(batch, inputs, outputs) -> FLOP per byte -----------------------------


def _flop(batch, inputs, outputs):
    return 2 * batch * inputs * outputs


def _numbers(batch, inputs, outputs):
    return batch * inputs + inputs * outputs + batch * outputs


intensity = Exercise(
    name="intensity",
    lesson="20",
    right=lambda *sizes: _flop(*sizes) / (4 * _numbers(*sizes)),
    cases=[(1, 784, 500), (64, 784, 500), (3, 5, 7), (512, 4096, 4096)],
    mistakes={
        "multiplications only": (
            lambda *sizes: _flop(*sizes) / (8 * _numbers(*sizes)),
            "You count the multiplications. Each product is also added to a sum, and that is an "
            "operation too.",
        ),
        "numbers instead of bytes": (
            lambda *sizes: _flop(*sizes) / _numbers(*sizes),
            "You divide by how many numbers are moved. Asked is for each byte, and a number in "
            "float32 has 32 bits.",
        ),
        "weights only": (
            lambda b, i, o: _flop(b, i, o) / (4 * i * o),
            "You count the bytes of the weights alone. The inputs are read and the outputs are "
            "written as well; at a large batch they are most of it.",
        ),
        "outputs forgotten": (
            lambda b, i, o: _flop(b, i, o) / (4 * (b * i + i * o)),
            "You count what is read. What comes out must be written to memory too.",
        ),
        "inputs forgotten": (
            lambda b, i, o: _flop(b, i, o) / (4 * (i * o + b * o)),
            "You count weights and outputs. The inputs of the batch must be read too.",
        ),
        "upside down": (
            lambda *sizes: 4 * _numbers(*sizes) / _flop(*sizes),
            "You return bytes for each operation. Asked are operations for each byte.",
        ),
        "weights once a sample": (
            lambda b, i, o: _flop(b, i, o) / (4 * b * (i + i * o + o)),
            "You read all weights again for every sample. In a batch all samples share one "
            "reading: that is what a batch is good for.",
        ),
        "operations of one sample": (
            lambda b, i, o: _flop(1, i, o) / (4 * _numbers(b, i, o)),
            "You count the operations of one sample, and the bytes of the whole batch.",
        ),
        "operations alone": (
            _flop,
            "You return the number of operations. Divide it by the bytes that are moved.",
        ),
    },
    hint="Three matrices are moved, four bytes a number. Every weight meets every sample once: a "
    "multiplication and an addition.",
)


# --- Amdahl: my_whole_speedup(share, speedup) -> how many times faster the whole is ---------------

whole_speedup = Exercise(
    name="whole_speedup",
    lesson="20",
    right=lambda share, speedup: 1 / (1 - share + share / speedup),
    cases=[(0.5, 2.0), (0.9, 4.0), (0.25, 10.0), (0.7, 0.5)],
    then=[(1.0, 3.0)],
    mistakes={
        "mean of the speed-ups": (
            lambda share, speedup: 1 - share + share * speedup,
            "You average the speed-ups. Times add up, speed-ups do not: first say how long each "
            "part takes now.",
        ),
        "rest forgotten": (
            lambda share, speedup: speedup / share,
            "You time the part that got faster, and forget the rest: it takes as long as before.",
        ),
        "time instead of speed-up": (
            lambda share, speedup: 1 - share + share / speedup,
            "You return the new time as a share of the old one. How many times faster is that?",
        ),
        "share swapped": (
            lambda share, speedup: 1 / (share + (1 - share) / speedup),
            "You speed up the rest. `share` is the part that gets faster.",
        ),
        "an endless speed-up": (
            lambda share, speedup: 1 / (1 - share),
            "You return the limit, where the part takes no time at all any more. It still takes "
            "some.",
        ),
        "speed-up times share": (
            lambda share, speedup: share * speedup,
            "You multiply. With a speed-up of 1 nothing changes, so the answer must be 1 whatever "
            "the share.",
        ),
        "speed-up of the part": (
            lambda share, speedup: speedup,
            "You return the speed-up of the part. The rest does not get faster.",
        ),
    },
    hint="Let the whole take one second before. How many seconds does each of the two parts take "
    "after?",
)


# --- the loss scale: my_next_scale(scale, good, overflow, patience) -> (scale, good) --------------


def _next_scale(scale, good, overflow, patience):
    if overflow:
        return scale / 2, 0
    if good + 1 == patience:
        return scale * 2, 0
    return scale, good + 1


def _upside_down(scale, good, overflow, patience):
    if overflow:
        return scale * 2, 0
    return (scale / 2, 0) if good + 1 == patience else (scale, good + 1)


def _counts_on(scale, good, overflow, patience):
    return (scale / 2, good) if overflow else _next_scale(scale, good, overflow, patience)


def _one_late(scale, good, overflow, patience):
    if overflow:
        return scale / 2, 0
    return (scale * 2, 0) if good == patience else (scale, good + 1)


def _doubles_at_every_step(scale, good, overflow, patience):
    return (scale / 2, 0) if overflow else (scale * 2, good + 1)


def _counter_runs_on(scale, good, overflow, patience):
    if overflow:
        return scale / 2, 0
    return (scale * 2 if good + 1 == patience else scale), good + 1


def _swapped(*arguments):
    scale, good = _next_scale(*arguments)
    return good, scale


def _back_to_one(scale, good, overflow, patience):
    return (1.0, 0) if overflow else _next_scale(scale, good, overflow, patience)


def _overflow_is_ignored(scale, good, overflow, patience):
    return _next_scale(scale, good, False, patience)


next_scale = Exercise(
    name="next_scale",
    lesson="20",
    right=_next_scale,
    cases=[
        (1024.0, 3, False, 50),
        (1024.0, 3, True, 50),
        (1024.0, 49, False, 50),
        (1024.0, 49, True, 50),
        (1024.0, 50, True, 50),
        (8.0, 0, True, 20),
        (8.0, 19, False, 20),
        (8.0, 0, False, 1),
    ],
    mistakes={
        "halves when all is well": (
            _upside_down,
            "An overflow means that the scaled numbers are too large, and you make them larger.",
        ),
        "counts on after an overflow": (
            _counts_on,
            "After an overflow the good steps are no longer in a row: the count begins anew.",
        ),
        "no growth": (
            _one_late,
            "`good` counts the steps before this one. When this one completes the row of "
            "`patience` good steps, the scale must grow. Yours does not.",
        ),
        "doubles at every step": (
            _doubles_at_every_step,
            "You double after each good step. Then about every second step overflows and is lost. "
            "Wait for `patience` of them in a row.",
        ),
        "the count runs on": (
            _counter_runs_on,
            "You double, and leave the count where it is: it never comes to `patience` again.",
        ),
        "values swapped": (
            _swapped,
            "Both values are right, but in the other order. Return the scale first.",
        ),
        "back to one": (
            _back_to_one,
            "One overflow, and you give up all scaling. One step down is enough to try.",
        ),
        "overflow ignored": (
            _overflow_is_ignored,
            "After an overflow your answer is the same as without one. With this scale every "
            "further step would overflow too.",
        ),
    },
    hint="Three things can happen: an overflow; the last good step that was still missing; any "
    "other good step. What becomes of scale and count in each?",
)


# --- checkpoints: my_interval(cost, mtbf) -> seconds from one to the next -------------------------

interval = Exercise(
    name="interval",
    lesson="20",
    right=young,
    also=[
        (
            daly,
            "That is Daly's formula of higher order, a little below the one derived here, and "
            "closer to the truth.",
        ),
        (
            best_interval,
            "That is the exact optimum for failures at a constant rate, a little below the one "
            "derived here.",
        ),
    ],
    cases=[(60.0, 10_800.0), (5.0, 86_400.0), (120.0, 3_600.0), (2.0, 30.0)],
    mistakes={
        "factor 2 forgotten": (
            lambda cost, mtbf: math.sqrt(cost * mtbf),
            "You save too often: a failure costs the whole interval only if it comes at its very "
            "end. On average it comes in the middle.",
        ),
        "no root": (
            lambda cost, mtbf: 2 * cost * mtbf,
            "Your answer has the unit of seconds times seconds. Set the derivative to 0, and solve "
            "for the interval itself.",
        ),
        "halved instead of doubled": (
            lambda cost, mtbf: math.sqrt(cost * mtbf / 2),
            "The 2 is on the wrong side: the lost work is interval / (2 mtbf). Look at its "
            "derivative once more.",
        ),
        "cost and failures divided": (
            lambda cost, mtbf: math.sqrt(2 * mtbf / cost),
            "You divide by the cost, so that a dearer checkpoint is taken more often.",
        ),
        "a part of the time between failures": (
            lambda cost, mtbf: mtbf / 2,
            "You save twice between two failures, whatever it costs. The cost must play a part.",
        ),
        "the overhead": (
            lambda cost, mtbf: math.sqrt(2 * cost / mtbf),
            "You return the share of time that is lost at the best interval. Asked is the interval "
            "itself, in seconds.",
        ),
    },
    hint="Two costs: cost / interval falls with the interval, interval / (2 mtbf) rises. Where is "
    "the derivative of their sum 0?",
)
