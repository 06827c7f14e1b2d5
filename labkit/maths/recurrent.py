"""Recurrent networks in NumPy: RNN, LSTM and GRU, forward and backward through time, with masks.

Weights are laid out as in Keras, so that those of a Keras layer can be used as they are:
kernel (features, gates * units), recurrent (units, gates * units), bias (gates * units,), with the
gates in the order of `GATES`. A GRU with reset_after=True has two biases, (2, 3 * units).
Sequences are (n, steps, features), masks (n, steps), True where a step is real.
Lesson: 13_sequences.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

# What each cell computes at every step, in the order in which Keras stores the weights.
GATES = {
    "rnn": ("candidate",),
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("update", "reset", "candidate"),
}


@dataclass(frozen=True)
class Weights:
    """Weights of one recurrent layer.

    Attributes:
        cell: "rnn", "lstm" or "gru".
        kernel: shape (features, gates * units).
        recurrent: shape (units, gates * units).
        bias: shape (gates * units,), or (2, 3 * units) for a GRU with reset_after.
        reset_after: only for a GRU: whether the reset gate acts after the matrix product (as in
            cuDNN, the default of Keras) or before it (as first published).
        activation: "tanh", "relu" or "linear"; of the state, not of the gates, which are
            always sigmoid.
    """

    cell: str
    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    reset_after: bool = True
    activation: str = "tanh"

    @property
    def units(self) -> int:
        """Numbers in the state."""
        return len(self.recurrent)


@dataclass
class Trace:
    """What a layer went through, step by step.

    Attributes:
        outputs: what the layer gives out at each step, shape (n, steps, units). At a masked step
            it repeats the output before it (zeros if there is none).
        states: the state h before the first step and after each, shape (n, steps + 1, units).
        cells: the cell state c of an LSTM, shape as `states`; None for the others.
        gates: name of the gate -> its values, shape (n, steps, units). For an LSTM: input, forget,
            candidate, output.
    """

    outputs: np.ndarray
    states: np.ndarray
    cells: np.ndarray | None
    gates: dict[str, np.ndarray]
    x: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)


# --- the three cells: one step each -------------------------------------------------------------


def sigmoid(z: ArrayLike) -> np.ndarray:
    """Return 1 / (1 + exp(-z)), without overflow: what a gate does.

    >>> sigmoid([-1000.0, 0.0, 1000.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


# The function of z, and its slope written with the value a that it gave.
ACTIVATIONS = {
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0.0), lambda a: (a > 0) * 1.0),
    "linear": (lambda z: z, np.ones_like),
}


def rnn_step(
    x: np.ndarray, h: np.ndarray, weights: Weights
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the next state of a simple RNN: h' = tanh(x W + h U + b).

    Args:
        x: this step's inputs, shape (n, features).
        h: the state before, shape (n, units).
        weights: of a "rnn" cell.

    Returns:
        The state after, shape (n, units), and the gates by name (here only "candidate").

    Source: Elman, Finding structure in time (1990). Lesson: 13_sequences.

    >>> w = Weights("rnn", np.ones((1, 1)), np.ones((1, 1)), np.zeros(1))
    >>> round(float(rnn_step(np.array([[1.0]]), np.array([[0.5]]), w)[0][0, 0]), 4)
    0.9051
    """
    function, _ = ACTIVATIONS[weights.activation]
    after = function(x @ weights.kernel + h @ weights.recurrent + weights.bias)
    return after, {"candidate": after}


def lstm_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: Weights
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return the next state and cell state of an LSTM.

    i, f, o = sigmoid of their own weighted sums of x and h; g = tanh of its own;
    c' = f * c + i * g and h' = o * tanh(c').

    Args:
        x: this step's inputs, shape (n, features).
        h, c: state and cell state before, shape (n, units).
        weights: of an "lstm" cell; the columns stand in the order i, f, g, o.

    Returns:
        State and cell state after, and the gates by name.

    Source: Hochreiter and Schmidhuber, Long short-term memory (1997); the forget gate: Gers,
    Schmidhuber and Cummins, Learning to forget (2000). Lesson: 13_sequences.

    >>> w = Weights("lstm", np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4))
    >>> h, c, gates = lstm_step(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)), w)
    >>> float(c[0, 0]), float(gates["forget"][0, 0])
    (0.5, 0.5)
    """
    function, _ = ACTIVATIONS[weights.activation]
    z = x @ weights.kernel + h @ weights.recurrent + weights.bias
    i, f, g, o = np.split(z, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), function(g), sigmoid(o)
    c = f * c + i * g
    return o * function(c), c, {"input": i, "forget": f, "candidate": g, "output": o}


def gru_step(
    x: np.ndarray, h: np.ndarray, weights: Weights
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the next state of a GRU, in either of its two conventions.

    z, r = sigmoid of their own weighted sums; the candidate is tanh(x W + b + r * (h U + b'))
    with reset_after, else tanh(x W + (r * h) U + b); h' = z * h + (1 - z) * candidate.

    Args:
        x: this step's inputs, shape (n, features).
        h: the state before, shape (n, units).
        weights: of a "gru" cell; the columns stand in the order z, r, candidate.

    Returns:
        The state after, shape (n, units), and the gates by name.

    Source: Cho and others, Learning phrase representations using RNN encoder-decoder (2014).
    In that paper z and 1 - z are exchanged in one of the versions; here z = 1 keeps the old state,
    as in Keras. Lesson: 13_sequences.

    >>> w = Weights("gru", np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((2, 3)))
    >>> float(gru_step(np.ones((1, 1)), np.ones((1, 1)), w)[0][0, 0])
    0.5
    """
    function, _ = ACTIVATIONS[weights.activation]
    of_x, of_h, at_h = _gru_sums(x, h, weights)
    units = weights.units
    z = sigmoid(of_x[:, :units] + of_h[:, :units])
    r = sigmoid(of_x[:, units : 2 * units] + of_h[:, units:])
    # reset_after: at_h is h U + b', and the gate acts on it; else the gate acts on h itself.
    past = r * at_h if weights.reset_after else (r * h) @ weights.recurrent[:, 2 * units :]
    g = function(of_x[:, 2 * units :] + past)
    return z * h + (1 - z) * g, {"update": z, "reset": r, "candidate": g}


def _gru_sums(
    x: np.ndarray, h: np.ndarray, weights: Weights
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x W + b for all gates, h U + b' for the two gates, and the same for the candidate."""
    units = weights.units
    bias = weights.bias if weights.reset_after else (weights.bias, np.zeros(3 * units))
    of_h = h @ weights.recurrent + bias[1]
    return x @ weights.kernel + bias[0], of_h[:, : 2 * units], of_h[:, 2 * units :]


# --- through time -------------------------------------------------------------------------------


def forward(
    x: ArrayLike,
    weights: Weights,
    mask: ArrayLike | None = None,
    h0: ArrayLike | None = None,
    c0: ArrayLike | None = None,
) -> Trace:
    """Return what the layer computes on sequences, with all gates.

    At a masked step the state stays as it is.

    Args:
        x: sequences, shape (n, steps, features).
        weights: of any cell.
        mask: shape (n, steps), True where a step is real; None: all are.
        h0, c0: state (and cell state of an LSTM) before the first step, shape (n, units);
            None for zeros.

    Returns:
        A trace; `trace.outputs[:, -1]` is what Keras returns without return_sequences.

    Raises:
        ValueError: an unknown cell or activation, or shapes that do not fit.

    Lesson: 13_sequences.

    >>> w = random_weights("lstm", features=2, units=3)
    >>> forward(np.zeros((1, 4, 2)), w).outputs.shape
    (1, 4, 3)
    """
    x = np.asarray(x, dtype=float)
    _check_weights(weights)
    mask = _checked_mask(x, mask, weights)
    n, steps, _ = x.shape
    h, c = _start(h0, n, weights.units), _start(c0, n, weights.units)
    output, states, cells, outputs = np.zeros_like(h), [h], [c], []
    gates: dict[str, list] = {name: [] for name in GATES[weights.cell]}
    for t in range(steps):
        after, c_after, of_step = _step(x[:, t], h, c, weights)
        real = mask[:, t, None]
        h, c, output = (
            np.where(real, new, old) for new, old in ((after, h), (c_after, c), (after, output))
        )
        states.append(h)
        cells.append(c)
        outputs.append(output)
        for name, values in of_step.items():
            gates[name].append(values)
    return Trace(
        outputs=np.stack(outputs, 1),
        states=np.stack(states, 1),
        cells=np.stack(cells, 1) if weights.cell == "lstm" else None,
        gates={name: np.stack(values, 1) for name, values in gates.items()},
        x=x,
        mask=mask,
    )


def _step(x, h, c, weights):
    if weights.cell == "lstm":
        return lstm_step(x, h, c, weights)
    after, gates = (rnn_step if weights.cell == "rnn" else gru_step)(x, h, weights)
    return after, c, gates


def backward(trace: Trace, weights: Weights, grad_outputs: ArrayLike) -> dict[str, np.ndarray]:
    """Return the gradients of a loss: backpropagation through time.

    Args:
        trace: what `forward` returned for these weights.
        weights: the same weights.
        grad_outputs: derivative of the loss with respect to the outputs, shape
            (n, steps, units); zeros at steps that the loss does not look at.

    Returns:
        "kernel", "recurrent" and "bias", shaped like the weights; "x", shape (n, steps, features);
        "states", shape (n, steps + 1, units): the derivative with respect to the state after each
        step (index 0: before the first), the way it is handed from step to step; and "h0", "c0".

    Raises:
        ValueError: `grad_outputs` has another shape than the outputs.

    Source: Werbos, Backpropagation through time: what it does and how to do it (1990).
    Lesson: 13_sequences.

    >>> w = random_weights("rnn", features=1, units=2)
    >>> trace = forward(np.ones((1, 3, 1)), w)
    >>> backward(trace, w, np.ones((1, 3, 2)))["x"].shape
    (1, 3, 1)
    """
    given = np.asarray(grad_outputs, dtype=float)
    if given.shape != trace.outputs.shape:
        raise ValueError(
            f"grad_outputs must have the shape of the outputs {trace.outputs.shape}. "
            f"Received: {given.shape}"
        )
    total = {name: np.zeros_like(getattr(weights, name), dtype=float) for name in TRAINED}
    grad_x = np.zeros_like(trace.x)
    grad_states = np.zeros_like(trace.states)
    dh, dc, carried = (np.zeros_like(trace.states[:, 0]) for _ in range(3))
    for t in reversed(range(trace.x.shape[1])):
        real = trace.mask[:, t, None]
        carried = carried + given[:, t]  # a masked step hands its output's share to the one before
        dh = dh + np.where(real, carried, 0.0)
        grad_states[:, t + 1] = dh
        carried = np.where(real, 0.0, carried)
        # Sequences that are masked here take no part: their share is 0, and they pass on dh, dc.
        part = _step_back(trace, t, np.where(real, dh, 0.0), np.where(real, dc, 0.0), weights)
        grad_x[:, t] = part["x"]
        for name in TRAINED:
            total[name] += part[name]
        dh = np.where(real, part["h"], dh)
        dc = np.where(real, part["c"], dc)
    grad_states[:, 0] = dh
    return total | {"x": grad_x, "states": grad_states, "h0": dh, "c0": dc}


TRAINED = ("kernel", "recurrent", "bias")


def _step_back(trace, t, dh, dc, weights):
    """Return the gradients of one step, given those of its state and its cell state."""
    gates = {name: values[:, t] for name, values in trace.gates.items()}
    x, h = trace.x[:, t], trace.states[:, t]
    if weights.cell == "gru":
        return _gru_back(x, h, gates, dh, weights)
    if weights.cell == "rnn":
        _, slope = ACTIVATIONS[weights.activation]
        dz, dc_before = dh * slope(gates["candidate"]), np.zeros_like(dh)
    else:
        dz, dc_before = _lstm_back(trace.cells[:, t], gates, dh, dc, weights)
    return {
        "kernel": x.T @ dz,
        "recurrent": h.T @ dz,
        "bias": dz.sum(axis=0),
        "x": dz @ weights.kernel.T,
        "h": dz @ weights.recurrent.T,
        "c": dc_before,
    }


def _lstm_back(c, gates, dh, dc, weights):
    """Return the gradient of the four weighted sums, and of the cell state before."""
    function, slope = ACTIVATIONS[weights.activation]
    i, f, g, o = (gates[name] for name in GATES["lstm"])
    shown = function(f * c + i * g)  # what the output gate lets out
    dc = dc + dh * o * slope(shown)
    dz = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * slope(g), dh * shown * o * (1 - o))
    return np.concatenate(dz, axis=1), dc * f


def _gru_back(x, h, gates, dh, weights):
    _, slope = ACTIVATIONS[weights.activation]
    z, r, g = (gates[name] for name in GATES["gru"])
    units, kept = weights.units, weights.recurrent[:, 2 * weights.units :]
    dg = dh * (1 - z) * slope(g)
    dz = dh * (h - g) * z * (1 - z)
    if weights.reset_after:
        _, _, at_h = _gru_sums(x, h, weights)
        dr = dg * at_h * r * (1 - r)
        at_state = np.concatenate([dz, dr, dg * r], axis=1)  # gradient of h U + b'
        d_recurrent, dh_before = h.T @ at_state, at_state @ weights.recurrent.T
    else:
        through = dg @ kept.T  # gradient of r * h
        dr = through * h * r * (1 - r)
        at_state = np.concatenate([dz, dr], axis=1)
        d_recurrent = np.concatenate([h.T @ at_state, (r * h).T @ dg], axis=1)
        dh_before = at_state @ weights.recurrent[:, : 2 * units].T + through * r
    at_x = np.concatenate([dz, dr, dg], axis=1)  # gradient of x W + b
    d_bias = at_x.sum(axis=0)
    if weights.reset_after:
        d_bias = np.stack([d_bias, at_state.sum(axis=0)])
    return {
        "kernel": x.T @ at_x,
        "recurrent": d_recurrent,
        "bias": d_bias,
        "x": at_x @ weights.kernel.T,
        "h": dh_before + dh * z,
        "c": np.zeros_like(dh),
    }


# --- weights ------------------------------------------------------------------------------------


def random_weights(
    cell: str,
    features: int,
    units: int,
    radius: float = 1.0,
    forget_bias: float = 1.0,
    reset_after: bool = True,
    activation: str = "tanh",
    seed: int = 0,
) -> Weights:
    """Return weights drawn as Keras draws them: recurrent orthogonal, kernel Glorot uniform.

    Args:
        cell: "rnn", "lstm" or "gru".
        features, units: sizes of input and state.
        radius: the recurrent matrices (one per gate) are orthogonal times this number. All
            eigenvalues of such a matrix have this size: it is the spectral radius.
        forget_bias: what the gate that keeps the memory starts with: bias of the forget gate of
            an LSTM (Keras: 1) or of the update gate of a GRU (Keras: 0). An RNN has none.
        reset_after, activation: as in `Weights`.
        seed: of the draw.

    Raises:
        ValueError: an unknown cell or activation, or a size below 1.

    Lesson: 13_sequences.

    >>> w = random_weights("rnn", features=1, units=4, radius=0.9)
    >>> np.abs(np.linalg.eigvals(w.recurrent)).round(6).tolist()
    [0.9, 0.9, 0.9, 0.9]
    """
    if cell not in GATES:
        raise ValueError(f"cell must be one of {list(GATES)}. Received: {cell!r}")
    if features < 1 or units < 1:
        raise ValueError(f"features and units must be at least 1; got {features} and {units}")
    rng, count = np.random.default_rng(seed), len(GATES[cell])
    limit = np.sqrt(6 / (features + count * units))
    kernel = rng.uniform(-limit, limit, (features, count * units))
    recurrent = np.concatenate([radius * _orthogonal(units, rng) for _ in range(count)], axis=1)
    bias = np.zeros((2, 3 * units) if cell == "gru" and reset_after else count * units)
    keeps = {"rnn": None, "lstm": slice(units, 2 * units), "gru": slice(0, units)}[cell]
    if keeps:
        (bias if bias.ndim == 1 else bias[0])[keeps] = forget_bias
    made = Weights(cell, kernel, recurrent, bias, reset_after, activation)
    _check_weights(made)
    return made


def _orthogonal(units: int, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((units, units)))
    return q * np.sign(np.diag(r))  # without the signs the draw would not be uniform


def from_keras(weights: list[np.ndarray], cell: str, activation: str = "tanh") -> Weights:
    """Return the weights of a Keras layer SimpleRNN, LSTM or GRU for use here.

    Args:
        weights: `layer.get_weights()`: kernel, recurrent kernel, bias.
        cell: "rnn", "lstm" or "gru".
        activation: of the layer.

    Raises:
        ValueError: shapes that do not belong to such a layer.

    >>> from_keras([np.ones((2, 12)), np.ones((3, 12)), np.zeros(12)], "lstm").units
    3
    """
    kernel, recurrent, bias = (np.asarray(each, dtype=float) for each in weights)
    made = Weights(cell, kernel, recurrent, bias, bias.ndim == 2, activation)
    _check_weights(made)
    return made


# --- how far back a gradient reaches ------------------------------------------------------------


def gradient_norms(trace: Trace, weights: Weights, of: str = "states") -> np.ndarray:
    """Return how strongly the last state depends on what was k steps before, k = 0, 1, 2, ...

    The number is the root mean square gain: the expected length of the gradient of a randomly
    directed unit vector after k steps back (norm of the Jacobian over the square root of units).

    Args:
        trace: of one sequence, n = 1.
        weights: the same weights.
        of: "states", the state h after the step k steps before the last, or "x", the input of
            that step. For an LSTM "x" says more: what came in travels on in the cell state too.

    Returns:
        of="states": shape (steps + 1,), the first is 1; of="x": shape (steps,).

    Raises:
        ValueError: a trace of more than one sequence, or an unknown `of`.

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks
    (2013). Lesson: 13_sequences.

    >>> w = random_weights("rnn", features=1, units=4, radius=0.5, activation="linear")
    >>> gradient_norms(forward(np.zeros((1, 3, 1)), w), w).round(6).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """
    if len(trace.x) != 1 or of not in ("states", "x"):
        raise ValueError(
            'give the trace of one sequence, and of="states" or "x". Received: a trace of '
            f"{len(trace.x)}, of={of!r}"
        )
    units = weights.units
    # One copy of the sequence for each unit of the last state: its row of the Jacobian.
    copies = Trace(
        outputs=np.repeat(trace.outputs, units, 0),
        states=np.repeat(trace.states, units, 0),
        cells=None if trace.cells is None else np.repeat(trace.cells, units, 0),
        gates={name: np.repeat(values, units, 0) for name, values in trace.gates.items()},
        x=np.repeat(trace.x, units, 0),
        mask=np.repeat(trace.mask, units, 0),
    )
    seen = np.zeros_like(copies.outputs)
    seen[:, -1] = np.eye(units)
    rows = backward(copies, weights, seen)[of]  # (units, steps, numbers of each step)
    return np.sqrt((rows**2).sum(axis=(0, 2)) / units)[::-1]


def expected_norms(trace: Trace, weights: Weights) -> np.ndarray:
    """Return what theory expects of `gradient_norms` for a simple RNN.

    Each step back multiplies by the slope of the activation and by the recurrent matrix. With an
    orthogonal matrix of spectral radius r, and slopes that are independent of the direction, the
    gain of a step is r * sqrt(mean of slope^2). Without an activation it is r: the norm is r^k.

    Args:
        trace: of one sequence through a "rnn" cell.
        weights: the same weights.

    Raises:
        ValueError: another cell.

    >>> w = random_weights("rnn", features=1, units=4, radius=0.5, activation="linear")
    >>> expected_norms(forward(np.zeros((1, 3, 1)), w), w).round(6).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """
    if weights.cell != "rnn":
        raise ValueError(f"the theory here is that of a simple RNN, not of {weights.cell!r}")
    _, slope = ACTIVATIONS[weights.activation]
    radius = np.abs(np.linalg.eigvals(weights.recurrent)).max()
    slopes = slope(trace.gates["candidate"][0])  # (steps, units)
    gains = radius * np.sqrt((slopes**2).mean(axis=1))
    return np.concatenate([[1.0], np.cumprod(gains[::-1])])


def median_norms(radius: float, steps: int = 100, draws: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return `gradient_norms` and `expected_norms` of a tanh RNN on random inputs, over draws.

    Args:
        radius: spectral radius of the recurrent matrix, of 32 units; there are 8 inputs.
        steps: length of the sequences.
        draws: of weights and inputs; the median over them is returned.

    Returns:
        Measured and expected, shape (steps + 1,) each; the first is 1.

    >>> measured, expected = median_norms(0.5, steps=3, draws=1)
    >>> bool(np.all(np.abs(measured / expected - 1) < 0.2))
    True
    """
    measured, expected = [], []
    for draw in range(draws):
        weights = random_weights("rnn", features=8, units=32, radius=radius, seed=draw)
        x = np.random.default_rng(100 + draw).normal(0, 0.3, (1, steps, 8))
        trace = forward(x, weights)
        measured.append(gradient_norms(trace, weights))
        expected.append(expected_norms(trace, weights))
    return np.median(measured, axis=0), np.median(expected, axis=0)


LAGS = 80  # steps back that `memory` looks


@functools.lru_cache(maxsize=512)
def memory(
    cell: str, forget_bias: float, radius: float, input_size: float, seed: int = 0
) -> np.ndarray:
    """Return the weight of the input k steps back in the last state, as a share of the newest's.

    Args:
        cell: "rnn", "lstm" or "gru", with 16 units and 4 inputs.
        forget_bias, radius: as in `random_weights`.
        input_size: standard deviation of the random inputs.
        seed: of weights and inputs.

    Returns:
        Array (80,), k = 0, 1, ...; the first is 1.

    Lesson: 13_sequences.

    >>> bool(memory("rnn", 0.0, 0.9, 0.3)[20] < 0.1 < memory("lstm", 5.0, 0.9, 0.3)[20])
    True
    """
    norms = gradient_norms(*_random_run(cell, forget_bias, radius, input_size, seed), of="x")
    return norms / norms[0]


def expected_memory(
    cell: str, forget_bias: float, radius: float, input_size: float, seed: int = 0
) -> np.ndarray:
    """Return what a rule of thumb expects of `memory`, array (80,).

    RNN: the product of radius and mean slope (`expected_norms`). LSTM and GRU: the gate that keeps
    the memory, sigmoid(bias), once per step, as if no other path existed.

    >>> expected_memory("lstm", 0.0, 1.0, 0.3)[:3].tolist()
    [1.0, 0.5, 0.25]
    """
    if cell == "rnn":
        return expected_norms(*_random_run(cell, forget_bias, radius, input_size, seed))[:LAGS]
    return sigmoid(forget_bias) ** np.arange(LAGS)


@functools.lru_cache(maxsize=512)
def _random_run(
    cell: str, forget_bias: float, radius: float, input_size: float, seed: int
) -> tuple[Trace, Weights]:
    weights = random_weights(
        cell, features=4, units=16, radius=radius, forget_bias=forget_bias, seed=seed
    )
    x = np.random.default_rng(seed).normal(0, 1, (1, LAGS, 4)) * input_size
    return forward(x, weights), weights


# --- inside -------------------------------------------------------------------------------------


def _check_weights(weights: Weights) -> None:
    if weights.cell not in GATES:
        raise ValueError(f"cell must be one of {list(GATES)}. Received: {weights.cell!r}")
    if weights.activation not in ACTIVATIONS:
        raise ValueError(
            f"activation must be one of {list(ACTIVATIONS)}. Received: {weights.activation!r}"
        )
    columns = len(GATES[weights.cell]) * weights.units
    two = weights.cell == "gru" and weights.reset_after
    shapes = {
        "kernel": (weights.kernel.shape[0], columns),
        "recurrent": (weights.units, columns),
        "bias": (2, columns) if two else (columns,),
    }
    for name, shape in shapes.items():
        came = getattr(weights, name).shape
        if came != shape:
            raise ValueError(
                f"{name} of a {weights.cell} with {weights.units} units must have shape {shape}. "
                f"Received: {came}"
            )


def _checked_mask(x: np.ndarray, mask: ArrayLike | None, weights: Weights) -> np.ndarray:
    if x.ndim != 3 or x.shape[2] != weights.kernel.shape[0]:
        raise ValueError(
            f"x must have shape (n, steps, {weights.kernel.shape[0]}). Received: {x.shape}"
        )
    mask = np.ones(x.shape[:2], bool) if mask is None else np.asarray(mask, dtype=bool)
    if mask.shape != x.shape[:2]:
        raise ValueError(f"mask must have shape {x.shape[:2]}. Received: {mask.shape}")
    return mask


def _start(state: ArrayLike | None, n: int, units: int) -> np.ndarray:
    state = np.zeros((n, units)) if state is None else np.asarray(state, dtype=float)
    if state.shape != (n, units):
        raise ValueError(f"a starting state must have shape {(n, units)}. Received: {state.shape}")
    return state
