"""Exercises of lesson 13: clipping, one LSTM step, windows without a leak, a baseline.

Each name is an Exercise: `lstm_step.check(my_lstm_step)`.  Lesson: 13_sequences.
"""

import numpy as np

from labkit.learn.checks import Exercise
from labkit.maths import recurrent as maths

_random = np.random.default_rng(13)

# --- clipping by the global norm: my_clip(gradients, limit) -> gradients ------------------------


def _norm(gradients):
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def _clip(gradients, limit):
    factor = np.minimum(1, limit / _norm(gradients))
    return [g * factor for g in gradients]


def _by(factor):
    """Return a wrong answer: all gradients times factor(gradients, limit)."""
    return lambda gradients, limit: [g * factor(gradients, limit) for g in gradients]


def _each_by_its_own(gradients, limit):
    return [g * np.minimum(1, limit / np.sqrt(np.sum(g**2))) for g in gradients]


def _read_arrays(answer, *_):
    if isinstance(answer, np.ndarray | float) and np.ndim(answer) < 2:
        answer = [answer]  # one array, or one number
    return [np.asarray(each, dtype=float) for each in answer]


def _clip_case(*shapes, size=1.0):
    return [size * _random.normal(size=shape).round(1) for shape in shapes]


clip = Exercise(
    name="clip",
    lesson="13",
    right=_clip,
    # gradients, limit: the first two are longer than it, the third is not
    cases=[
        ([np.array([3.0, 0.0]), np.array([[4.0]])], 1.0),
        (_clip_case((2, 3), (3, 3), (3,)), 2.5),
        (_clip_case((2, 3), (4,), size=0.1), 1.5),
        (_clip_case((3,), (1, 2), (2, 2)), 0.7),
    ],
    read=_read_arrays,
    mistakes={
        "each array by its own norm": (
            _each_by_its_own,
            "Each array got a limit of its own (Keras has that too, as `clipnorm`), so the step "
            "points elsewhere. Take one norm over all arrays, and one factor for all.",
        ),
        "value by value": (
            lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients],
            "You cut each number by itself, which turns the step. (Keras has yours too: "
            "`clipvalue`.) Here all are multiplied by one factor.",
        ),
        "short ones grow": (
            _by(lambda gradients, limit: limit / _norm(gradients)),
            "You make every gradient `limit` long. One that is shorter must stay as it is.",
        ),
        "long ones grow": (
            _by(lambda gradients, limit: np.maximum(1, limit / _norm(gradients))),
            "Your factor is never below 1: long gradients stay, short ones grow.",
        ),
        "upside down": (
            _by(lambda gradients, limit: np.minimum(1, _norm(gradients) / limit)),
            "Your factor is the norm over `limit`: short gradients shrink, long ones stay.",
        ),
        "root forgotten": (
            _by(lambda gradients, limit: np.minimum(1, limit / _norm(gradients) ** 2)),
            "You divide by the sum of squares. The norm is its root.",
        ),
        "sum of the norms": (
            _by(
                lambda gradients, limit: np.minimum(
                    1, limit / sum(np.sqrt(np.sum(g**2)) for g in gradients)
                )
            ),
            "You added up the norms of the arrays. Add up the squares of all numbers, and take one "
            "root at the end.",
        ),
        "the longest array's norm": (
            _by(
                lambda gradients, limit: np.minimum(
                    1, limit / max(np.sqrt(np.sum(g**2)) for g in gradients)
                )
            ),
            "You took the norm of the longest array. Take one over all numbers of all arrays.",
        ),
        "one long array": (
            lambda gradients, limit: [np.concatenate([g.ravel() for g in _clip(gradients, limit)])],
            "The numbers are right, in one long array. The optimizer needs a list again: an array "
            "for each array of weights, with its shape.",
        ),
        "the length alone": (
            lambda gradients, limit: [np.minimum(_norm(gradients), limit)],
            "This is the length after clipping. Return the gradients themselves, shortened.",
        ),
        "thrown away": (
            _by(lambda gradients, limit: 1.0 * (_norm(gradients) <= limit)),
            "You throw away a gradient that is too long. Shorten it: its direction is worth "
            "keeping.",
        ),
        "divided by the norm": (
            _by(lambda gradients, limit: np.minimum(1, 1 / _norm(gradients))),
            "Your long gradients end 1 long, whatever the `limit`.",
        ),
        "nothing clipped": (
            lambda gradients, limit: gradients,
            "You return the gradients as they came, however long.",
        ),
    },
    hint="The norm of all arrays together: the root of the sum of all squares. If it is larger "
    "than `limit`, multiply every array by what makes it exactly `limit`.",
)

# --- one step: my_lstm_step(x, h, c, W, U, b) -> h, c -------------------------------------------


def _gates(x, h, W, U, b):
    """Return the four parts of x W + h U + b, before their activations."""
    return np.split(x @ W + h @ U + b, 4, axis=-1)


def _step(x, h, c, W, U, b):
    h, c, _ = maths.lstm_step(x, h, c, maths.Weights("lstm", W, U, b))
    return h, c


def _with(i, f, g, o, c, squash=np.tanh):
    """Return h and c after a step from the four weighted sums."""
    c = maths.sigmoid(f) * c + maths.sigmoid(i) * squash(g)
    return maths.sigmoid(o) * np.tanh(c), c


def _exchanged_input_and_forget(x, h, c, W, U, b):
    i, f, g, o = _gates(x, h, W, U, b)
    return _with(f, i, g, o, c)


def _exchanged_candidate_and_output(x, h, c, W, U, b):
    i, f, o, g = _gates(x, h, W, U, b)
    return _with(i, f, g, o, c)


def _sigmoid_candidate(x, h, c, W, U, b):
    return _with(*_gates(x, h, W, U, b), c, squash=maths.sigmoid)


def _no_tanh_on_the_way_out(x, h, c, W, U, b):
    o = maths.sigmoid(_gates(x, h, W, U, b)[3])
    after = _step(x, h, c, W, U, b)[1]
    return o * after, after


def _old_cell_state_shown(x, h, c, W, U, b):
    o = maths.sigmoid(_gates(x, h, W, U, b)[3])
    return o * np.tanh(c), _step(x, h, c, W, U, b)[1]


def _output_gate_left_out(x, h, c, W, U, b):
    after = _step(x, h, c, W, U, b)[1]
    return np.tanh(after), after


def _forget_gate_left_out(x, h, c, W, U, b):
    i, _, g, o = _gates(x, h, W, U, b)
    return _with(i, np.full_like(i, 1e3), g, o, c)  # sigmoid(1000) is 1


def _state_left_out(x, h, c, W, U, b):
    return _step(x, np.zeros_like(h), c, W, U, b)


def _bias_left_out(x, h, c, W, U, b):
    return _step(x, h, c, W, U, np.zeros_like(b))


def _state_for_cell_state(x, h, c, W, U, b):
    return _with(*_gates(x, h, W, U, b), h)


def _candidate_without_tanh(x, h, c, W, U, b):
    return _with(*_gates(x, h, W, U, b), c, squash=lambda z: z)


def _sigmoid_turned_around(x, h, c, W, U, b):
    i, f, g, o = _gates(x, h, W, U, b)
    return _with(-i, -f, g, -o, c)  # sigmoid(-z) is 1 - sigmoid(z)


def _no_sigmoid(x, h, c, W, U, b):
    i, f, g, o = _gates(x, h, W, U, b)
    after = f * c + i * np.tanh(g)
    return o * np.tanh(after), after


def _step_case(rows, features, units):
    shapes = [(rows, features), (rows, units), (rows, units)]
    shapes += [(features, 4 * units), (units, 4 * units), (4 * units,)]
    return tuple(_random.normal(size=shape).round(1) for shape in shapes)


lstm_step = Exercise(
    name="lstm_step",
    lesson="13",
    right=_step,
    # x, h, c, W, U, b
    cases=[_step_case(1, 1, 1), _step_case(2, 3, 2), _step_case(1, 1, 3)],  # one unit can be shown
    mistakes={
        "input and forget gate exchanged": (
            _exchanged_input_and_forget,
            "The columns stand in the order input, forget, candidate, output. Your old cell state "
            "is multiplied by the input gate.",
        ),
        "candidate and output gate exchanged": (
            _exchanged_candidate_and_output,
            "The third quarter of the columns is the candidate, the fourth the output gate (some "
            "libraries have it the other way round: weights cannot be copied without care).",
        ),
        "sigmoid on the candidate": (
            _sigmoid_candidate,
            "The candidate is content, not a gate: it may be negative, so it goes through tanh.",
        ),
        "tanh missing on the way out": (
            _no_tanh_on_the_way_out,
            "Your h can leave -1 to 1: a tanh is missing on the way out.",
        ),
        "old cell state shown": (
            _old_cell_state_shown,
            "Your h shows the cell state from before the step. Compute c first, then h from it.",
        ),
        "output gate left out": (
            _output_gate_left_out,
            "Your h is tanh(c) alone. The output gate decides how much of it is shown.",
        ),
        "forget gate left out": (
            _forget_gate_left_out,
            "Your cell state keeps everything. Multiply the old one by the forget gate.",
        ),
        "state left out": (
            _state_left_out,
            "Your gates look at x only. They look at the state before as well.",
        ),
        "exchanged": (
            lambda *case: _step(*case)[::-1],
            "Both are right, in the wrong order: return h first, then c.",
        ),
        "gates without sigmoid": (
            _no_sigmoid,
            "Your gates are the weighted sums themselves. A gate lies between 0 and 1.",
        ),
        "tanh missing on the candidate": (
            _candidate_without_tanh,
            "Your candidate is the weighted sum itself. It goes through tanh.",
        ),
        "sigmoid turned around": (
            _sigmoid_turned_around,
            "Your gates open where they should shut: the sigmoid of z is 1 / (1 + exp(-z)), with "
            "a minus.",
        ),
        "bias left out": (
            _bias_left_out,
            "Your sums have no bias: `b` is left out.",
        ),
        "state for cell state": (
            _state_for_cell_state,
            "The forget gate multiplied h. What it keeps is the old cell state c.",
        ),
    },
    hint="One weighted sum of what comes in and of the state, cut into four quarters: input, "
    "forget, candidate, output. Then the new c, and h from it.",
)

# --- windows: my_examples(series, width, steps, train_rows) -> (count, width + 1) -------------


def _table(series, width, steps, stride=1):
    """Return one row a window, its target in the last column."""
    count = len(series) - width + 1 - steps
    rows = range(0, count, stride)
    return np.array([np.append(series[i : i + width], series[i + width - 1 + steps]) for i in rows])


def _scaled(series, learn_from, ddof=0):
    return (series - learn_from.mean()) / learn_from.std(ddof=ddof)


def _examples(series, width, steps, train_rows):
    return _table(_scaled(series, series[:train_rows]), width, steps)


def _divided_by_n_minus_1(series, width, steps, train_rows):
    return _table(_scaled(series, series[:train_rows], ddof=1), width, steps)


def _scaled_window_only(series, width, steps, train_rows):
    table = _table(_scaled(series, series[:train_rows]), width, steps)
    table[:, -1] = _table(series, width, steps)[:, -1]
    return table


_series = np.cumsum(_random.normal(size=40)).round(1)

leak_free = Exercise(
    name="leak_free",
    lesson="13",
    right=_examples,
    also=[
        (
            _divided_by_n_minus_1,
            "Your deviation divides by n - 1, as pandas' .std() does; NumPy's divides by n.",
        )
    ],
    # series, width, steps, train_rows
    cases=[(_series[:8], 2, 1, 5), (_series, 5, 1, 20), (_series[:17] ** 2, 4, 3, 10)],
    mistakes={
        "target inside the window": (
            lambda series, width, steps, train_rows: _table(
                _scaled(series, series[:train_rows]), width, 0
            )[: len(series) - width + 1 - steps],
            "Your target is the window's own last value: the answer lies in the question. It "
            "must lie `steps` rows after the last row of the window.",
        ),
        "scaled with all rows": (
            lambda series, width, steps, train_rows: _table(_scaled(series, series), width, steps),
            "Mean and standard deviation come from the whole series, so the training rows know "
            "something about the test.",
        ),
        "one row too late": (
            lambda series, width, steps, train_rows: _table(
                _scaled(series, series[:train_rows]), width, steps + 1
            ),
            "Your target lies one row too far ahead. Which row is the last one of window i?",
        ),
        "windows side by side": (
            lambda series, width, steps, train_rows: _table(
                _scaled(series, series[:train_rows]), width, steps, stride=width
            ),
            "Your windows do not overlap. The next one starts one row later, not a window later.",
        ),
        "last window missing": (
            lambda series, width, steps, train_rows: _examples(series, width, steps, train_rows)[
                :-1
            ],
            "One window is missing at the end: its target is the very last row.",
        ),
        "not scaled": (
            lambda series, width, steps, train_rows: _table(series, width, steps),
            "The windows are right, but the values are not scaled.",
        ),
        "target not scaled": (
            _scaled_window_only,
            "The windows are scaled, the targets are not. Scale the series first, then cut it.",
        ),
        "variance for standard deviation": (
            lambda series, width, steps, train_rows: _table(
                (series - series[:train_rows].mean()) / series[:train_rows].var(), width, steps
            ),
            "You divided by the variance. Divide by its root, the standard deviation.",
        ),
    },
    hint="First scale the whole series, with what the training rows alone teach. Then cut: where "
    "does window i start and end, and where, `steps` rows behind its end, is its target?",
)

# --- the baseline: my_baseline(values, period, steps) -> the next `steps` values ------------


def _seasonal(values, period, steps):
    return np.array([values[len(values) - period + k % period] for k in range(steps)])


baseline = Exercise(
    name="baseline",
    lesson="13",
    right=_seasonal,
    # values, period, steps: shorter than a period (the first one can be shown), longer, exactly one
    cases=[(_series[:8], 3, 2), (_series[:15], 4, 3), (_series[:15], 4, 9), (_series[:30], 12, 12)],
    mistakes={
        "the last value": (
            lambda values, period, steps: np.full(steps, values[-1]),
            "You repeated the last value. That is a baseline too, called persistence, but it "
            "knows no season: repeat the last period.",
        ),
        "the last values, whatever the period": (
            lambda values, period, steps: np.asarray(values[-steps:]),
            "You repeated the last `steps` values. The first month to come equals the month one "
            "period before it.",
        ),
        "the first season": (
            lambda values, period, steps: np.resize(values[:period], steps),
            "You repeated the first season of the series. Repeat the last one.",
        ),
        "one month late": (
            lambda values, period, steps: np.array(
                [values[len(values) - period + (k + 1) % period] for k in range(steps)]
            ),
            "You are one step late: the first step to come is the step after values[-1]. What "
            "stands one period before that one?",
        ),
        "mean of the last season": (
            lambda values, period, steps: np.full(steps, np.mean(values[-period:])),
            "You averaged the last season. Repeat it step by step.",
        ),
        "backwards": (
            lambda values, period, steps: np.resize(values[-period:][::-1], steps),
            "You repeated the last season backwards in time.",
        ),
        "mean of all such months": (
            lambda values, period, steps: np.array(
                [np.mean(values[(len(values) + k) % period :: period]) for k in range(steps)]
            ),
            "You averaged that month over all years. Naive means: the last one only.",
        ),
    },
    hint="Where in `values` does the last period begin? Walk through it, and begin again at its "
    "start when it ends.",
)
