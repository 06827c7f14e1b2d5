"""Descent: gradients against finite differences, theory against measurement, Keras as a witness."""

from inspect import signature

import numpy as np
import pytest

from labkit.maths import descent as d

QUADRATICS = [s for s in d.SURFACES.values() if s.largest_curvature is not None]
by_name = pytest.mark.parametrize("surface", d.SURFACES.values(), ids=lambda s: s.name)
quadratics = pytest.mark.parametrize("surface", QUADRATICS, ids=lambda s: s.name)


def finite_difference(value, w, h=1e-5):
    """Return the gradient of value at w by central differences."""
    nudges = h * np.eye(len(w))
    return np.array([(value(w + n) - value(w - n)) / (2 * h) for n in nudges])


def points_inside(surface, n=50):
    (x0, x1), (y0, y1) = surface.bounds
    return np.random.default_rng(0).uniform((x0, y0), (x1, y1), (n, 2))


# Keras 3 hands its tensors to NumPy in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# --- surfaces


@by_name
def test_gradient_agrees_with_finite_differences(surface):
    for w in points_inside(surface):
        numeric = finite_difference(surface.value, w)
        np.testing.assert_allclose(surface.gradient(w), numeric, rtol=1e-6, atol=1e-6)


@by_name
def test_value_and_gradient_take_whole_grids(surface):
    grid = points_inside(surface, 6).reshape(2, 3, 2)
    assert surface.value(grid).shape == (2, 3)
    assert surface.gradient(grid).shape == (2, 3, 2)
    assert surface.value(grid)[1, 2] == surface.value(grid[1, 2])
    np.testing.assert_array_equal(surface.gradient(grid)[1, 2], surface.gradient(grid[1, 2]))


@by_name
def test_minimum_is_the_lowest_point_of_the_picture(surface):
    np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-12)
    assert surface.value(surface.minimum) <= surface.value(points_inside(surface, 2000)).min()


@by_name
def test_start_and_minimum_are_in_the_picture(surface):
    for point in (surface.start, surface.minimum):
        for coordinate, (low, high) in zip(point, surface.bounds, strict=True):
            assert low < coordinate < high


@quadratics
def test_largest_curvature_is_the_hessian_s(surface):
    w = np.array([0.3, -0.7])
    rows = [finite_difference(lambda v, i=i: surface.gradient(v)[i], w) for i in range(2)]
    assert np.linalg.eigvalsh(rows)[-1] == pytest.approx(surface.largest_curvature, rel=1e-6)


def test_only_quadratics_claim_a_constant_curvature():
    assert {s.name for s in QUADRATICS} == {"article", "bowl", "ravine", "rotated"}


def test_ravine_has_condition_number_25():
    small, large = np.linalg.eigvalsh(
        [d.SURFACES["ravine"].gradient(v) for v in np.eye(2)]  # a quadratic around 0: J' = H w
    )
    assert large / small == pytest.approx(25)


def test_the_rotated_ravine_is_the_ravine_rotated():
    """Same values, starts and gradients, seen from axes that are turned."""
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    ravine, rotated = d.SURFACES["ravine"], d.SURFACES["rotated"]
    points = points_inside(ravine)
    np.testing.assert_allclose(rotated.value(points @ turn.T), ravine.value(points))
    np.testing.assert_allclose(rotated.gradient(points @ turn.T), ravine.gradient(points) @ turn.T)
    np.testing.assert_allclose(rotated.start, turn @ ravine.start)


def test_rotation_changes_neither_plain_descent_nor_momentum_but_adam():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    for rule in ("sgd", "momentum", "nesterov"):
        straight = d.descend("ravine", rule, 0.1, steps=60)
        np.testing.assert_allclose(d.descend("rotated", rule, 0.1, steps=60), straight @ turn.T)
    straight = d.descend("ravine", "adam", 0.1, steps=60)
    assert np.abs(d.descend("rotated", "adam", 0.1, steps=60) - straight @ turn.T).max() > 0.1


@by_name
def test_a_surface_refuses_other_shapes(surface):
    with pytest.raises(ValueError, match=r"shape \(3,\).*shape \(2,\)"):
        surface.value([1, 2, 3])
    with pytest.raises(ValueError, match=r"shape \(\)"):
        surface.gradient(1.0)


# --- the walk


def test_worked_example_of_the_article():
    path = d.descend("article", learning_rate=0.1, steps=4)
    np.testing.assert_allclose(path[:, 0], [0, 0.4, 0.48, 0.496, 0.4992], atol=1e-12)
    assert not path[:, 1].any()


@quadratics
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.1])
def test_contraction_predicts_every_step_in_the_steepest_direction(surface, share):
    limit = d.largest_stable_rate(surface.largest_curvature)
    rate = share * limit
    hessian = [surface.gradient(np.add(surface.minimum, e)) for e in np.eye(2)]
    steepest = np.linalg.eigh(hessian)[1][:, -1]
    path = d.descend(surface, learning_rate=rate, steps=5, start=surface.minimum + steepest)
    distance = (path - surface.minimum) @ steepest
    factor = d.contraction(rate, surface.largest_curvature)
    np.testing.assert_allclose(distance, factor ** np.arange(6), atol=1e-12)


@quadratics
def test_largest_stable_rate_is_where_divergence_begins(surface):
    limit = d.largest_stable_rate(surface.largest_curvature)
    assert not d.diverged(d.descend(surface, learning_rate=0.999 * limit, steps=20_000))
    assert d.diverged(d.descend(surface, learning_rate=1.001 * limit, steps=20_000))


@quadratics
def test_the_measured_limit_is_that_of_theory(surface):
    limit = d.measure_limit(surface.gradient, surface.start)
    assert limit == pytest.approx(d.largest_stable_rate(surface.largest_curvature), rel=1e-5)


@pytest.mark.parametrize("curvature", [2e-4, 0.5, 8.0, 2e4])
def test_a_limit_is_measured_over_many_sizes(curvature):
    limit = d.measure_limit(lambda w: curvature * w, 1.0)
    assert limit == pytest.approx(2 / curvature, rel=1e-5)


def test_the_limit_of_another_update_is_measured():
    half = d.measure_limit(lambda w: 8 * w, 1.0, lambda w, g, rate: w - rate / 2 * g)
    assert half == pytest.approx(0.5, rel=1e-5)


def in_place(w, gradient, learning_rate):
    w -= learning_rate * gradient
    return w


def test_an_update_that_changes_w_in_place_walks_like_any_other(samples):
    walked = d.descend("ravine", in_place, 0.1, steps=20)
    np.testing.assert_array_equal(walked, d.descend("ravine", "sgd", 0.1, steps=20))
    fitted = d.fit_linear(*samples, batch_size=7, epochs=2, optimizer=in_place)
    np.testing.assert_array_equal(fitted, d.fit_linear(*samples, batch_size=7, epochs=2))
    assert d.measure_limit(lambda w: 8 * w, 1.0, in_place) == pytest.approx(0.25, rel=1e-5)


def test_stable_rate_takes_the_largest_eigenvalue():
    turned = np.array([[3.0, 1.0], [1.0, 2.0]])
    assert d.largest_stable_rate(turned) == pytest.approx(4 / (5 + 5**0.5))


@pytest.mark.parametrize(
    ("hessian", "words"),
    [
        ([[-1.0]], "bends upward nowhere"),
        ([[1.0, 2.0, 3.0]], r"shape \(1, 3\)"),
        ([[1.0, 2.0], [0.0, 1.0]], "not symmetric"),
    ],
)
def test_stable_rate_refuses(hessian, words):
    with pytest.raises(ValueError, match=words):
        d.largest_stable_rate(hessian)


def test_a_diverging_walk_stops_at_its_first_point_out_of_bounds():
    path = d.descend("rosenbrock", learning_rate=1.0, steps=500)
    assert 1 < len(path) < 501
    assert np.isfinite(path).all()
    assert d.diverged(path)
    assert not d.diverged(path[:-1])


@pytest.mark.parametrize("bad", [[np.nan, 0], [np.inf, 0], [0, -2e6]])
def test_diverged_knows_nan_and_inf(bad):
    assert d.diverged(bad)
    assert d.diverged([[0, 0], bad])


def test_on_the_ridge_of_the_saddle_descent_never_leaves():
    path = d.descend("saddle", learning_rate=0.1, steps=500, start=(-1.5, 0.0))
    np.testing.assert_allclose(path[-1], [0, 0], atol=1e-12)


@by_name
@pytest.mark.parametrize("optimizer", d.OPTIMIZERS)
def test_every_optimizer_goes_down_at_a_small_rate(surface, optimizer):
    path = d.descend(surface, optimizer, learning_rate=1e-3, steps=100)
    assert surface.value(path[-1]) < surface.value(path[0])


def test_an_own_update_walks_like_the_built_in():
    mine = d.descend("bowl", lambda w, gradient, rate: w - rate * gradient, 0.2, steps=7)
    np.testing.assert_array_equal(mine, d.descend("bowl", "sgd", 0.2, steps=7))


def test_two_walks_do_not_share_their_memory():
    first = d.descend("ravine", "adam", 0.1, steps=10)
    np.testing.assert_array_equal(first, d.descend("ravine", "adam", 0.1, steps=10))


def test_momentum_zero_is_plain_descent():
    plain = d.descend("ravine", "sgd", 0.1, steps=20)
    for name in ("momentum", "nesterov"):
        np.testing.assert_allclose(d.descend("ravine", name, 0.1, 20, momentum=0.0), plain)


def test_first_adam_step_has_the_size_of_the_rate_in_every_direction():
    path = d.descend("ravine", "adam", learning_rate=0.3, steps=1)
    np.testing.assert_allclose(np.abs(path[1] - path[0]), 0.3, rtol=1e-5)


def test_adamw_decays_the_weight_itself():
    update = d.start_optimizer("adamw")
    assert update(np.array(10.0), np.array(0.0), 0.5) == pytest.approx(10 * (1 - 0.5 * 0.004))


def test_steps_start_from_the_schedule_at_zero():
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.1

    path = d.descend("bowl", steps=4, learning_rate=99.0, schedule=schedule)
    assert asked == [0, 1, 2, 3]
    np.testing.assert_array_equal(path, d.descend("bowl", steps=4, learning_rate=0.1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"surface": "hill"}, "'hill'.*article, bowl"),
        ({"optimizer": "adagrad"}, "'adagrad'.*sgd, momentum"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"steps": -1}, "steps is -1"),
        ({"start": (1, 2, 3)}, r"start has shape \(3,\)"),
        ({"optimizer": "momentum", "momentum": 1.0}, r"momentum is 1.0.*\[0, 1\)"),
    ],
)
def test_descend_says_what_is_wrong(arguments, words):
    with pytest.raises(ValueError, match=words):
        d.descend(**{"surface": "bowl", **arguments})


def test_an_optimizer_names_its_constants():
    with pytest.raises(ValueError, match="adam has no constant 'rho'; it has beta_1, beta_2, eps"):
        d.start_optimizer("adam", rho=0.9)
    with pytest.raises(ValueError, match="beta_2 is 1"):
        d.start_optimizer("adam", beta_2=1)


def test_steps_to_reach_as_in_the_ledger():
    for rate, steps in ((0.1, 9), (0.01, 158), (0.125, 1)):
        path = d.descend("article", learning_rate=rate, steps=300)
        assert d.steps_to_reach(path, (0.5, 0.0)) == steps
    assert d.steps_to_reach(d.descend("article", learning_rate=0.25), (0.5, 0.0)) is None


# --- schedules

STEPS = range(130)


def test_schedules_by_hand():
    assert d.exponential_decay(1.0, 4, 0.5)(8) == pytest.approx(0.25)
    assert [d.step_decay(1.0, 4, 0.5)(s) for s in (3, 4, 7, 8)] == [1.0, 0.5, 0.5, 0.25]
    cosine = d.cosine_decay(1.0, 100, alpha=0.1)
    assert [cosine(s) for s in (0, 50, 100, 500)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    warm = d.cosine_decay(1.0, 100, warmup_steps=10)
    assert [warm(s) for s in (0, 5, 10, 110)] == pytest.approx([0.0, 0.5, 1.0, 0.0])


def test_schedules_refuse_lengths_that_make_no_sense():
    for schedule in (d.cosine_decay, lambda r, n: d.step_decay(r, n, 0.5)):
        with pytest.raises(ValueError, match="decay_steps is 0"):
            schedule(0.1, 0)
    with pytest.raises(ValueError, match="warmup_steps is -1"):
        d.cosine_decay(0.1, 10, warmup_steps=-1)


# --- the linear model


@pytest.fixture
def samples():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    return X, X @ [1.0, -2.0, 0.5] + rng.normal(size=60)


def test_linear_gradient_and_hessian_agree_with_finite_differences(samples):
    X, y = samples
    w = np.array([0.3, 0.1, -0.4])
    numeric = finite_difference(lambda v: d.linear_loss(v, X, y), w)
    np.testing.assert_allclose(d.linear_gradient(w, X, y), numeric, rtol=1e-7)
    rows = [finite_difference(lambda v, i=i: d.linear_gradient(v, X, y)[i], w) for i in range(3)]
    np.testing.assert_allclose(d.linear_hessian(X), rows, atol=1e-8)


def test_linear_model_refuses_what_would_broadcast(samples):
    X, y = samples
    for function in (d.linear_loss, d.linear_gradient):
        with pytest.raises(ValueError, match=r"y \(60, 1\)"):
            function(np.zeros(3), X, y[:, None])
        with pytest.raises(ValueError, match=r"w \(2,\)"):
            function(np.zeros(2), X, y)


def test_batch_gradient_descent_finds_the_least_squares_solution(samples):
    X, y = samples
    weights = d.fit_linear(X, y, learning_rate=0.2, epochs=500)
    np.testing.assert_allclose(weights[-1], np.linalg.lstsq(X, y, rcond=None)[0], atol=1e-9)


@pytest.mark.parametrize(("batch_size", "updates"), [(None, 1), (60, 1), (25, 3), (1, 60)])
def test_updates_per_epoch(samples, batch_size, updates):
    assert len(d.fit_linear(*samples, batch_size=batch_size, epochs=2)) == 1 + 2 * updates


def test_an_epoch_uses_every_sample_once(samples):
    seen = []

    def stay(w, gradient, learning_rate):
        seen.append(gradient)
        return w

    d.fit_linear(*samples, batch_size=12, epochs=1, optimizer=stay)
    full = d.linear_gradient(np.zeros(3), *samples)
    np.testing.assert_allclose(np.mean(seen, axis=0), full)  # equal batches: mean of the means


def test_the_seed_orders_the_samples(samples):
    def fit(seed):
        return d.fit_linear(*samples, batch_size=8, epochs=2, seed=seed)

    np.testing.assert_array_equal(fit(3), fit(3))
    assert not np.array_equal(fit(3), fit(4))


def test_a_schedule_sees_every_update(samples):
    asked = []
    d.fit_linear(
        *samples, batch_size=30, epochs=3, learning_rate=lambda step: asked.append(step) or 0.01
    )
    assert asked == list(range(6))


def test_a_diverging_fit_stops_with_finite_weights(samples):
    weights = d.fit_linear(*samples, learning_rate=50.0, epochs=500)
    assert len(weights) < 501
    assert np.isfinite(weights).all()
    assert d.diverged(weights)


@pytest.mark.parametrize("batch_size", [0, 61])
def test_batch_size_must_fit(samples, batch_size):
    with pytest.raises(ValueError, match=rf"batch_size is {batch_size}.*\[1, 60\]"):
        d.fit_linear(*samples, batch_size=batch_size)


# --- Keras as the witness


@pytest.fixture
def keras(keras_in_float64):
    return keras_in_float64


KERAS_NAMES = {
    "sgd": "SGD",
    "momentum": "SGD",
    "nesterov": "SGD",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "adadelta": "Adadelta",
}
# Keras rounds its constants to single precision on the way (0.999 becomes 0.99900001), whatever
# the precision of the weights. These survive that, so only the formulas are left to differ.
EXACT = {
    "sgd": {},
    "momentum": {"momentum": 0.875},
    "nesterov": {"momentum": 0.875},
    "rmsprop": {"rho": 0.875},
    "adam": {"beta_1": 0.875, "beta_2": 1 - 2**-10},
    "adamw": {"beta_1": 0.875, "beta_2": 1 - 2**-10, "weight_decay": 2**-8},
    "adadelta": {"rho": 0.9375},
}
DEFAULT = {"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9}}  # Keras' own is 0


def keras_optimizer(keras, name, learning_rate, **constants):
    if name == "nesterov":
        constants["nesterov"] = True
    return getattr(keras.optimizers, KERAS_NAMES[name])(learning_rate, **constants)


def walk_with_keras(keras, optimizer, steps):
    """Return Keras' own paths from all starts at once, shape (steps + 1, surfaces, 2)."""
    surfaces = list(d.SURFACES.values())
    w = keras.Variable(np.array([s.start for s in surfaces]), dtype="float64")
    path = [np.array(keras.ops.convert_to_numpy(w))]
    for _ in range(steps):
        with np.errstate(all="ignore"):  # walks that diverge run on here, in rows of their own
            rows = [s.gradient(v) for s, v in zip(surfaces, path[-1], strict=True)]
        optimizer.apply([keras.ops.convert_to_tensor(np.array(rows))], [w])
        path.append(np.array(keras.ops.convert_to_numpy(w)))
    return np.array(path)


@pytest.mark.slow
@pytest.mark.parametrize("learning_rate", [0.001, 0.02, 0.1, 1.0])
@pytest.mark.parametrize("name", d.OPTIMIZERS)
def test_optimizers_equal_keras(keras, name, learning_rate):
    optimizer = keras_optimizer(keras, name, learning_rate, **EXACT[name])
    theirs = walk_with_keras(keras, optimizer, steps=60)
    for i, surface in enumerate(d.SURFACES.values()):
        update = d.start_optimizer(name, **EXACT[name])
        ours = d.descend(surface, update, learning_rate, steps=60)
        steady = ours[:-1] if d.diverged(ours) else ours
        np.testing.assert_allclose(
            theirs[: len(steady), i], steady, rtol=1e-6, atol=1e-6, err_msg=surface.name
        )
        assert d.diverged(theirs[len(ours) - 1, i]) == d.diverged(ours)


@pytest.mark.slow
@pytest.mark.parametrize("name", d.OPTIMIZERS)
def test_default_constants_are_those_of_keras(keras, name):
    constants = {k: v.default for k, v in signature(d._OPTIMIZERS[name]).parameters.items()}
    config = keras_optimizer(keras, name, 0.1, **DEFAULT.get(name, {})).get_config()
    assert constants == {k: config[k] for k in constants}


@pytest.mark.slow
@pytest.mark.parametrize("name", d.OPTIMIZERS)
def test_defaults_equal_keras_up_to_its_rounding(keras, name):
    optimizer = keras_optimizer(keras, name, 0.001, **DEFAULT.get(name, {}))
    theirs = walk_with_keras(keras, optimizer, steps=60)
    for i, surface in enumerate(d.SURFACES.values()):
        ours = d.descend(surface, name, 0.001, steps=60)
        np.testing.assert_allclose(theirs[:, i], ours, rtol=1e-6, atol=1e-6, err_msg=surface.name)


@pytest.mark.slow
def test_schedules_equal_keras(keras):
    schedules = keras.optimizers.schedules
    pairs = [
        (d.exponential_decay(0.1, 30, 0.8), schedules.ExponentialDecay(0.1, 30, 0.8)),
        (d.step_decay(0.1, 30, 0.5), schedules.ExponentialDecay(0.1, 30, 0.5, staircase=True)),
        (d.cosine_decay(0.1, 100), schedules.CosineDecay(0.1, 100)),
        (d.cosine_decay(0.1, 100, alpha=0.2), schedules.CosineDecay(0.1, 100, alpha=0.2)),
        (
            d.cosine_decay(0.1, 80, warmup_steps=20),
            schedules.CosineDecay(0.0, 80, warmup_target=0.1, warmup_steps=20),
        ),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(
            [ours(step) for step in STEPS], [float(theirs(step)) for step in STEPS], atol=1e-6
        )


@pytest.mark.slow
def test_a_scheduled_walk_equals_keras(keras):
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 40, warmup_target=0.1, warmup_steps=10)
    theirs = walk_with_keras(keras, keras_optimizer(keras, "sgd", schedule), steps=60)
    ravine = list(d.SURFACES).index("ravine")
    ours = d.descend("ravine", steps=60, schedule=d.cosine_decay(0.1, 40, warmup_steps=10))
    np.testing.assert_allclose(theirs[:, ravine], ours, rtol=1e-6, atol=1e-6)
