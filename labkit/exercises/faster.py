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
            "Half of what is right. Did you count the multiplications alone? Each product is also "
            "added to a sum, an operation too. Or does a number take 8 bytes with you? That would "
            "be float64.",
        ),
        "numbers instead of bytes": (
            lambda *sizes: _flop(*sizes) / _numbers(*sizes),
            "You divide by how many numbers are moved. Asked is for each byte, and a number in "
            "float32 has 32 bits.",
        ),
        "two bytes a number": (
            lambda *sizes: _flop(*sizes) / (2 * _numbers(*sizes)),
            "Twice what is right. A number in float32 has 32 bits; how many bytes are that? And an "
            "addition and a multiplication are two operations, not four.",
        ),
        "bits instead of bytes": (
            lambda *sizes: _flop(*sizes) / (32 * _numbers(*sizes)),
            "You divide by the bits that are moved. Asked is for each byte.",
        ),
        "one addition less in each sum": (
            lambda b, i, o: b * o * (2 * i - 1) / (4 * _numbers(b, i, o)),
            "Exactly counted, a sum of n products has n - 1 additions. The usual count takes n: an "
            "addition for every multiplication.",
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
        "weights forgotten": (
            lambda b, i, o: _flop(b, i, o) / (4 * (b * i + b * o)),
            "You count inputs and outputs. The weights must be read too; at a small batch they are "
            "nearly all there is to read.",
        ),
        "outputs twice": (
            lambda b, i, o: _flop(b, i, o) / (4 * (b * i + i * o + 2 * b * o)),
            "You count the outputs twice. They are written, and not read.",
        ),
        "outputs of one sample": (
            lambda b, i, o: _flop(b, i, o) / (4 * (b * i + i * o + o)),
            "Your outputs are those of one sample. Every sample of the batch has its own.",
        ),
        "inputs of one sample": (
            lambda b, i, o: _flop(b, i, o) / (4 * (i + i * o + b * o)),
            "Your inputs are those of one sample. Every sample of the batch has its own.",
        ),
        "upside down": (
            lambda *sizes: 4 * _numbers(*sizes) / _flop(*sizes),
            "You return bytes for each operation. Asked are operations for each byte.",
        ),
        "weights once a sample": (
            lambda b, i, o: _flop(b, i, o) / (4 * b * (i + i * o + o)),
            "Your intensity does not grow with the batch, as if all weights were read again for "
            "every sample. In a batch all samples share one reading.",
        ),
        "operations of one sample": (
            lambda b, i, o: _flop(1, i, o) / (4 * _numbers(b, i, o)),
            "You count the operations of one sample, and the bytes of the whole batch.",
        ),
        "operations alone": (
            _flop,
            "You return the number of operations. Divide it by the bytes that are moved.",
        ),
        "bytes alone": (
            lambda *sizes: 4 * _numbers(*sizes),
            "You return the bytes that are moved. How many operations are there for each?",
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
        "time saved": (
            lambda share, speedup: share - share / speedup,
            "You return the share of the old time that is saved. How many times faster is the "
            "whole?",
        ),
        "time of the part": (
            lambda share, speedup: share / speedup,
            "You return the time that the part takes now, as a share of the old time. The rest "
            "takes time as well, and asked is how many times faster the whole is.",
        ),
        "rest as long as the whole": (
            lambda share, speedup: 1 / (1 + share / speedup),
            "You add the faster part to the whole old time. Only the rest of it is left beside the "
            "part.",
        ),
        "part as long as the whole": (
            lambda share, speedup: 1 / (1 - share + 1 / speedup),
            "Your part took all of the time before. It took only its share.",
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
        "grows from 1": (
            lambda share, speedup: 1 + share * speedup,
            "With a speed-up of 1 nothing changes, so the answer must be 1 whatever the share. "
            "Yours is more.",
        ),
        "the rest times the speed-up": (
            lambda share, speedup: (1 - share) * speedup,
            "You multiply. With a speed-up of 1 nothing changes, so the answer must be 1 whatever "
            "the share.",
        ),
        "a power": (
            lambda share, speedup: speedup**share,
            "A power lets the whole grow without end. With a share of a half the rest stays, so "
            "the whole never gets twice as fast.",
        ),
        "the smaller of two limits": (
            lambda share, speedup: min(speedup, 1 / (1 - share)) if share < 1 else speedup,
            "Both are limits: the whole is slower than either of them. Add up how long both parts "
            "take now.",
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


def _one_early(scale, good, overflow, patience):
    if overflow:
        return scale / 2, 0
    return (scale * 2, 0) if good + 2 == patience else (scale, good + 1)


def _stays(scale, good, overflow, patience):
    return (scale, 0) if overflow else _next_scale(scale, good, overflow, patience)


def _overflow_counts(scale, good, overflow, patience):
    return (scale / 2, 1) if overflow else _next_scale(scale, good, overflow, patience)


def _begins_at_one(scale, good, overflow, patience):
    scale, good = _next_scale(scale, good, overflow, patience)
    return scale, max(good, 1)


def _growth_counts(scale, good, overflow, patience):
    then, count = _next_scale(scale, good, overflow, patience)
    return then, 1 if then > scale else count


def _never_counts(scale, good, overflow, patience):
    then, _ = _next_scale(scale, good, overflow, patience)
    return then, good if then == scale else 0


def _forgets(scale, good, overflow, patience):
    return _next_scale(scale, good, overflow, patience)[0], 0


def _turned(scale, good, overflow, patience):
    return _next_scale(scale, good, not overflow, patience)


def _adds(scale, good, overflow, patience):
    then, good = _next_scale(scale, good, overflow, patience)
    return scale + (then > scale) - (then < scale), good


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
        (1024.0, 48, False, 50),
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
        "grows one step early": (
            _one_early,
            "One good step is still missing when you double: `good` counts those before this one, "
            "and this one makes one more.",
        ),
        "the scale stays after an overflow": (
            _stays,
            "After an overflow your scale stays what it was, and the next step overflows just so.",
        ),
        "the overflow counts as good": (
            _overflow_counts,
            "You count the step that overflowed as a good one.",
        ),
        "the step that doubles counts twice": (
            _growth_counts,
            "You double, and the step that completed the row counts for the next row too.",
        ),
        "the count begins at 1": (
            _begins_at_one,
            "After a change of the scale your count begins at 1. No step has been good with the "
            "new scale yet.",
        ),
        "nothing is counted": (
            _never_counts,
            "Your count stays where it is after a good step: then no row is ever completed.",
        ),
        "the count is always 0": (
            _forgets,
            "Your count is 0 after every step: then no row is ever completed.",
        ),
        "overflow turned over": (
            _turned,
            "You take `overflow` the other way round: it is True if this step overflowed.",
        ),
        "one more or less": (
            _adds,
            "You add or take away 1. A scale has to move over many powers of two: halve it, or "
            "double it.",
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

_SQUARED = (
    "Your answer has the unit of seconds times seconds. Set the derivative to 0, and solve for the "
    "interval itself."
)
_NO_UNIT = (
    "You divide seconds by seconds: a number without a unit. Asked is an interval, in seconds."
)

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
    cases=[(60.0, 10_800.0), (5.0, 86_400.0), (120.0, 3_600.0), (2.5, 30.2)],
    mistakes={
        "factor 2 forgotten": (
            lambda cost, mtbf: math.sqrt(cost * mtbf),
            "You save too often: a failure costs the whole interval only if it comes at its very "
            "end. On average it comes in the middle.",
        ),
        "no root": (lambda cost, mtbf: 2 * cost * mtbf, _SQUARED),
        "neither root nor 2": (lambda cost, mtbf: cost * mtbf, _SQUARED),
        "root of the 2 alone": (lambda cost, mtbf: math.sqrt(2) * cost * mtbf, _SQUARED),
        "failures over cost": (lambda cost, mtbf: mtbf / cost, _NO_UNIT),
        "cost over failures": (lambda cost, mtbf: cost / mtbf, _NO_UNIT),
        "cost and failures added": (
            lambda cost, mtbf: math.sqrt(2 * (cost + mtbf)),
            "You add under the root. Where the derivative is 0, one side has the cost alone, the "
            "other the failures.",
        ),
        "twice too much under the root": (
            lambda cost, mtbf: 2 * math.sqrt(cost * mtbf),
            "You save too seldom: the lost work is interval / (2 mtbf). Look at its derivative "
            "once more.",
        ),
        "minutes": (
            lambda cost, mtbf: math.sqrt(2 * cost * mtbf) / 60,
            "You return minutes. Cost and mtbf are in seconds, and so is the interval.",
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
