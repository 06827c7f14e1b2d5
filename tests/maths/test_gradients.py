"""Every `f_grad` in labkit.maths is the derivative of its `f`: found by name, compared by nudging.

A new pair is found by itself. `f_grad(x)` with one argument and `f_grad(y_true, y_pred)` are
known; any other signature needs an adapter in ADAPTERS, and fails here until it has one.

Finite differences blur close to a kink, so points closer to one than the nudge are left out: the
kinks of each function are named in KINKS.
"""

import importlib
import inspect
import pkgutil
from types import ModuleType

import numpy as np
import pytest

import labkit.maths
from labkit.maths import backprop

EXTREME = [-1000.0, -100.0, -37.0, -20.0, 20.0, 37.0, 100.0, 1000.0]
TINY = 1e-6
# Where the slope jumps: for f(x) at x itself, for f(y_true, y_pred) at y_pred - y_true.
KINKS = {
    "relu": [0.0],
    "leaky_relu": [0.0],
    "elu": [0.0],  # the slope is continuous, its own slope is not
    "mean_absolute_error": [0.0],
    "huber_loss": [-1.0, 1.0],
}


def pairs(*modules: ModuleType) -> dict[str, tuple]:
    """Return 'module.f' -> (f, f_grad) for every public function that ends in _grad.

    Raises:
        AssertionError: an f_grad has no f beside it.
    """
    found = {}
    for module in modules:
        own = module.__name__.rpartition(".")[2]
        for name, grad in vars(module).items():
            public = inspect.isfunction(grad) and grad.__module__ == module.__name__
            if public and name.endswith("_grad") and not name.startswith("_"):
                f = getattr(module, name.removesuffix("_grad"), None)
                assert callable(f), f"{own}.{name} has no function {name.removesuffix('_grad')}"
                found[f"{own}.{name.removesuffix('_grad')}"] = (f, grad)
    return found


def all_modules() -> list[ModuleType]:
    names = (info.name for info in pkgutil.iter_modules(labkit.maths.__path__))
    return [importlib.import_module(f"labkit.maths.{name}") for name in names]


# --- comparing ----------------------------------------------------------------------------------


def jacobian(f, x, tiny=TINY):
    """Return d f(x) / d x by central differences, shape (*f(x).shape, *x.shape)."""
    x = np.asarray(x, dtype=float)
    columns = []
    for place in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[place] = tiny * max(1.0, abs(x[place]))
        up, down = np.asarray(f(x + nudge)), np.asarray(f(x - nudge))
        columns.append((up - down) / (2 * nudge[place]))
    return np.moveaxis(np.reshape(columns, (*x.shape, *up.shape)), range(x.ndim), range(-x.ndim, 0))


def agree(given, numeric, where):
    given = np.asarray(given, dtype=float)
    assert given.shape == numeric.shape, f"{where}: shape {given.shape}, not {numeric.shape}"
    assert np.isfinite(given).all(), f"{where}: a slope is not finite"
    np.testing.assert_allclose(given, numeric, rtol=1e-5, atol=1e-7, err_msg=where)


def required(function) -> list[str]:
    """Return the names of the arguments that have no default."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is inspect.Parameter.empty]


def quiet():
    """NumPy raises instead of warning: no derivative may overflow on its way."""
    return np.errstate(over="raise", invalid="raise", divide="raise")


def short(name):
    return name.rpartition(".")[2]


# --- f(x): element by element, or row by row ------------------------------------------------------


def points(name):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 3, 200), EXTREME])
    for kink in KINKS.get(short(name), []):
        x = x[abs(x - kink) > 10 * TINY]
    return x


def check_one_argument(name, f, grad):
    """Activations: slope by slope where f works on each number alone, else row by row."""
    with quiet():
        try:
            alone = f(0.5)  # softmax has no value for one number
        except ValueError:
            check_rows(name, f, grad)
            return
        assert np.shape(alone) == ()
        for x in points(name):
            agree(grad(x), jacobian(f, x), f"{name} at {x}")
        x = points(name).reshape(4, -1)
        np.testing.assert_array_equal(grad(x).ravel(), [grad(each) for each in x.ravel()])


def check_rows(name, f, grad):
    rng = np.random.default_rng(0)
    rows = [rng.normal(0, scale, 4) for scale in (0.1, 1, 3, 10) for _ in range(10)]
    rows += [np.array(r) for r in ([1000, 0, -1000.0], [-1000, -1000, -999.0], [0.0], [700, 700.0])]
    for row in rows:
        agree(grad(row), jacobian(f, row), f"{name} at {row}")
    table = np.stack(rows[:6]).reshape(2, 3, 4)
    np.testing.assert_array_equal(grad(table)[1, 2], grad(table[1, 2]))


# --- f(y_true, y_pred): losses -------------------------------------------------------------------


def regression_cases():
    rng = np.random.default_rng(0)
    for shape in [(6,), (4, 3), (1,)]:
        yield rng.normal(0, 2, shape), rng.normal(0, 2, shape)
    yield np.zeros(4), np.array([-1000.0, -30.0, 30.0, 1000.0])


def probability_cases():
    rng = np.random.default_rng(0)
    for labels in ([0, 1, 1, 0], [0.1, 0.9, 0.5, 1.0]):
        yield np.array(labels, float), rng.uniform(0.02, 0.98, 4)
    yield np.array([0.0, 1.0]), np.array([1e-3, 1 - 1e-3])


def logit_cases():
    rng = np.random.default_rng(0)
    yield np.array([0.0, 1.0, 1.0, 0.3]), rng.normal(0, 3, 4)
    yield np.array([0.0, 1.0, 0.0, 1.0]), np.array([1000.0, 1000.0, -1000.0, -1000.0])
    yield np.array([[0.0], [1.0]]), np.array([[0.5], [-30.0]])


def _one_hot(rows, classes):
    return np.eye(classes)[np.random.default_rng(1).integers(0, classes, rows)]


def class_probability_cases():
    # Each class keeps away from 0, where the losses clip; rows sum to 1 as the losses demand.
    for rows in (1, 5):
        p = np.random.default_rng(0).uniform(0.1, 1, (rows, 3))
        yield _one_hot(rows, 3), p / p.sum(axis=1, keepdims=True)
    yield np.array([[0.2, 0.7, 0.1]]), np.array([[0.5, 0.3, 0.2]])


def class_logit_cases():
    rng = np.random.default_rng(0)
    yield _one_hot(5, 4), rng.normal(0, 3, (5, 4))
    yield np.array([[0.2, 0.7, 0.1]]), rng.normal(0, 3, (1, 3))
    yield np.eye(3), np.array([[1000.0, 0, -1000], [1000, 0, -1000], [-1000, -1000, -1000]])


# First match wins: which predictions a loss takes follows from its name.
LOSS_CASES = [
    ("categorical_cross_entropy_from_logits", class_logit_cases),
    ("categorical_cross_entropy", class_probability_cases),
    ("cross_entropy_from_logits", logit_cases),
    ("binary_cross_entropy", probability_cases),
    ("", regression_cases),
]


def check_loss(name, f, grad):
    cases = next(make for ending, make in LOSS_CASES if short(name).endswith(ending))
    for y_true, y_pred in cases():
        for kink in KINKS.get(short(name), []):
            assert (abs(y_pred - y_true - kink) > 10 * TINY).all()
        with quiet():
            agree(grad(y_true, y_pred), jacobian(lambda p, y=y_true: f(y, p), y_pred), name)


# --- other signatures ----------------------------------------------------------------------------


def check_conv2d(name, f, grad):
    """grad(x, kernel, upstream) returns three gradients of sum(upstream * f(x, kernel, bias))."""
    rng = np.random.default_rng(0)
    for scale in (1, 1000):
        for stride, padding in [(1, "valid"), (2, "same"), (1, 1)]:
            x, kernel = rng.normal(0, scale, (2, 5, 6, 2)), rng.normal(0, 1, (3, 3, 2, 3))
            bias = rng.normal(0, 1, 3)
            upstream = rng.normal(0, 1, f(x, kernel, bias, stride, padding).shape)

            def loss(x, kernel, bias, u=upstream, s=stride, p=padding):
                return np.sum(u * f(x, kernel, bias, s, p))

            dx, dkernel, dbias = grad(x, kernel, upstream, stride, padding)
            for given, slot in ((dx, 0), (dkernel, 1), (dbias, 2)):
                arguments = [x, kernel, bias]

                def moved(value, slot=slot, arguments=arguments, loss=loss):
                    return loss(*[value if i == slot else a for i, a in enumerate(arguments)])

                numeric = jacobian(moved, arguments[slot], tiny=1.0)  # linear: any nudge does
                assert given.shape == numeric.shape
                largest = abs(numeric).max()
                np.testing.assert_allclose(given, numeric, atol=1e-6 * largest, err_msg=name)


ADAPTERS = {"conv2d": check_conv2d}


def check(name, f, grad):
    """Compare a pair, in the way that its signature asks for.

    Raises:
        AssertionError: it differs, or no one has said how to call it.
    """
    if short(name) in ADAPTERS:
        ADAPTERS[short(name)](name, f, grad)
    elif len(required(grad)) == 1 and required(f) == required(grad):
        check_one_argument(name, f, grad)
    elif required(f) == required(grad) == ["y_true", "y_pred"]:
        check_loss(name, f, grad)
    else:
        raise AssertionError(
            f"{name}_grad{inspect.signature(grad)} has a signature that this walker does not "
            "know; add an adapter to ADAPTERS in tests/test_maths_gradients.py"
        )


PAIRS = pairs(*all_modules())


@pytest.mark.parametrize("name", PAIRS)
def test_the_gradient_is_the_derivative(name):
    check(name, *PAIRS[name])


def test_the_walker_finds_what_there_is():
    assert {"activations.sigmoid", "activations.softmax", "convolution.conv2d"} <= set(PAIRS)
    assert len([name for name in PAIRS if name.startswith("activations.")]) == 10


# --- backward passes of whole networks -----------------------------------------------------------


@pytest.mark.parametrize("output", backprop.OUTPUTS)
@pytest.mark.parametrize("activation", backprop.ACTIVATIONS)
def test_backward_is_the_derivative_of_the_loss_for_every_weight(activation, output):
    """backprop.backward is no f_grad: it returns gradients for all layers, computed here anew."""
    rng = np.random.default_rng(0)
    layers = [(W, rng.normal(0, 0.5, b.shape)) for W, b in backprop.glorot_layers([3, 5, 4, 2])]
    X, y = rng.normal(size=(6, 3)), np.eye(2)[rng.integers(0, 2, 6)]
    gradients = backprop.backward(
        layers, backprop.forward(layers, X, activation, output), y, activation
    )
    for number, part in np.ndindex(3, 2):

        def loss(value, number=number, part=part):
            moved = [list(layer) for layer in layers]
            moved[number][part] = value
            return backprop.network_loss(
                backprop.forward(moved, X, activation, output)[-1], y, output
            )

        numeric = jacobian(loss, layers[number][part])
        agree(gradients[number][part], numeric, f"{activation}, {output}, layer {number}")


# --- the walker can fail -------------------------------------------------------------------------


def planted(name, f, grad):
    """A module that holds one pair."""
    module = ModuleType("planted")
    for function, label in ((f, name), (grad, f"{name}_grad")):
        if function is not None:
            function.__module__ = "planted"
            setattr(module, label, function)
    return module


WRONG = {
    "sign": (lambda x: np.asarray(x) ** 2, lambda x: -2 * np.asarray(x)),
    "factor": (lambda x: np.asarray(x) ** 2, lambda x: np.asarray(x) * 1.0),
    "far away": (lambda x: 1.0 * np.asarray(x), lambda x: np.where(np.abs(x) < 500, 1.0, np.nan)),
    "shape": (lambda x: np.asarray(x) ** 2, lambda x: 2 * np.reshape(x, (1, -1))),
    "overflow": (
        lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
        lambda x: 1 / (1 + np.exp(-np.asarray(x, dtype=float))),
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_slope_is_caught(mistake):
    found = pairs(planted("curve", *WRONG[mistake]))
    with pytest.raises((AssertionError, FloatingPointError)):
        check("planted.curve", *found["planted.curve"])


def test_a_right_slope_passes():
    found = pairs(planted("square", lambda x: np.asarray(x) ** 2, lambda x: 2.0 * np.asarray(x)))
    check("planted.square", *found["planted.square"])


def test_a_loss_summed_instead_of_averaged_is_caught():
    def f(y_true, y_pred):
        return np.mean((y_pred - y_true) ** 2)

    def grad(y_true, y_pred):
        return 2 * (y_pred - y_true)

    found = pairs(planted("squares", f, grad))
    with pytest.raises(AssertionError):
        check("planted.squares", *found["planted.squares"])


def test_a_gradient_that_no_one_can_call_is_caught():
    found = pairs(planted("odd", lambda a, b, c: a, lambda a, b, c: 1.0))
    with pytest.raises(AssertionError, match="add an adapter"):
        check("planted.odd", *found["planted.odd"])


def test_a_gradient_without_its_function_is_caught():
    with pytest.raises(AssertionError, match="no function alone"):
        pairs(planted("alone", None, lambda x: x))
