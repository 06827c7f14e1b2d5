"""Loss functions: hand values, likelihoods, other libraries, extreme inputs, refused shapes."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from labkit.maths import losses as L

Y = np.array([1.0, 0.0, 1.0, 0.0])
P = np.array([0.7, 0.3, 0.8, 0.2])
RNG = np.random.default_rng(0)
REAL = [
    L.mean_squared_error,
    L.mean_absolute_error,
    L.huber_loss,
    L.binary_cross_entropy_from_logits,
]
ONE_SHAPE = [*REAL, L.binary_cross_entropy]
ROWS = [L.categorical_cross_entropy, L.categorical_cross_entropy_from_logits]


def grad(loss):
    return getattr(L, f"{loss.__name__}_grad")


def central_differences(loss, y, p, h=1e-6):
    found = np.zeros(p.shape)
    for index in np.ndindex(p.shape):
        move = np.zeros(p.shape)
        move[index] = h
        found[index] = (loss(y, p + move) - loss(y, p - move)) / (2 * h)
    return found


# --- hand values --------------------------------------------------------------------------------


def test_the_worked_example():
    assert L.mean_squared_error(Y, P) == pytest.approx(0.065)
    assert L.mean_absolute_error(Y, P) == pytest.approx(0.25)
    assert L.huber_loss(Y, P) == pytest.approx(0.0325)  # all inside delta: half the square
    assert L.huber_loss(Y, P, delta=0.1) == pytest.approx(0.1 * (0.25 - 0.05))
    assert L.binary_cross_entropy(Y, P) == pytest.approx(-(np.log(0.7) + np.log(0.8)) / 2)


def test_chance_levels():
    assert L.binary_cross_entropy(Y, np.full(4, 0.5)) == pytest.approx(np.log(2))
    for k in (2, 3, 10):
        blind = np.full((k, k), 1 / k)
        assert L.categorical_cross_entropy(np.eye(k), blind) == pytest.approx(np.log(k))
        zero = np.zeros((k, k))
        assert L.categorical_cross_entropy_from_logits(np.eye(k), zero) == pytest.approx(np.log(k))


def test_two_classes_are_a_special_case():
    z = RNG.normal(size=20) * 4
    y = RNG.integers(0, 2, 20)
    both = np.stack([np.zeros(20), z], axis=1)
    assert L.categorical_cross_entropy_from_logits(np.eye(2)[y], both) == pytest.approx(
        L.binary_cross_entropy_from_logits(y, z)
    )


# --- from likelihoods ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log_density", "loss", "scale"),
    [
        (stats.norm.logpdf, L.mean_squared_error, 0.5),
        (stats.laplace.logpdf, L.mean_absolute_error, 1.0),
    ],
)
def test_regression_losses_are_log_likelihoods_up_to_a_constant(log_density, loss, scale):
    y = RNG.normal(size=30)
    gaps = []
    for _ in range(5):
        p = RNG.normal(size=30) * 3
        gaps.append(-log_density(p - y).mean() - scale * loss(y, p))
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-12)


def test_huber_is_normal_in_the_middle_and_laplace_in_the_tails():
    def log_density(e):
        return -L.huber_loss([0.0], [e], delta=1.5)

    for e in (0.1, 0.7, 1.4):
        assert log_density(e) == pytest.approx(stats.norm.logpdf(e) - stats.norm.logpdf(0))
    slopes = np.diff([log_density(e) for e in (2, 3, 10, 11)])[[0, 2]]
    np.testing.assert_allclose(slopes, -1.5)  # a Laplace density with scale 1 / delta


def test_cross_entropies_are_log_likelihoods():
    y, p = RNG.integers(0, 2, 30), RNG.uniform(0.01, 0.99, 30)
    assert L.binary_cross_entropy(y, p) == pytest.approx(-stats.bernoulli.logpmf(y, p).mean())
    labels, shares = RNG.integers(0, 5, 30), RNG.dirichlet(np.ones(5), size=30)
    likelihood = -np.log(shares[np.arange(30), labels]).mean()
    assert L.categorical_cross_entropy(L.one_hot(labels, 5), shares) == pytest.approx(likelihood)


def test_the_best_constants_are_mean_median_and_share():
    y = np.array([0.0, 1.0, 1.0, 3.0, 40.0])
    grid = np.linspace(-1, 41, 42001)

    def best(loss):
        return grid[np.argmin([loss(y, np.full(5, c)) for c in grid[::10]]) * 10]

    assert best(L.mean_squared_error) == pytest.approx(y.mean(), abs=0.01)
    assert best(L.mean_absolute_error) == pytest.approx(np.median(y), abs=0.01)
    shares = np.linspace(0.001, 0.999, 999)
    labels = [1, 1, 1, 0, 0]
    values = [L.binary_cross_entropy(labels, np.full(5, s)) for s in shares]
    assert shares[np.argmin(values)] == pytest.approx(0.6)


# --- other libraries ----------------------------------------------------------------------------


def test_scikit_learn_and_scipy_agree():
    from sklearn import metrics

    y, p = RNG.normal(size=50), RNG.normal(size=50) * 3
    assert L.mean_squared_error(y, p) == pytest.approx(metrics.mean_squared_error(y, p))
    assert L.mean_absolute_error(y, p) == pytest.approx(metrics.mean_absolute_error(y, p))
    assert L.huber_loss(y, p, 0.7) == pytest.approx(special.huber(0.7, p - y).mean())
    labels, shares = RNG.integers(0, 4, 50), RNG.dirichlet(np.ones(4), size=50)
    ours = L.categorical_cross_entropy(L.one_hot(labels, 4), shares)
    assert ours == pytest.approx(metrics.log_loss(labels, shares))
    flips, chances = RNG.integers(0, 2, 50), RNG.uniform(size=50)
    assert L.binary_cross_entropy(flips, chances) == pytest.approx(metrics.log_loss(flips, chances))


def test_logits_agree_with_probabilities_by_scipy():
    y, z = RNG.integers(0, 2, 50), RNG.normal(size=50) * 4
    from_z = L.binary_cross_entropy_from_logits(y, z)
    assert from_z == pytest.approx(L.binary_cross_entropy(y, special.expit(z)))
    rows, scores = np.eye(4)[RNG.integers(0, 4, 50)], RNG.normal(size=(50, 4)) * 3
    from_scores = L.categorical_cross_entropy_from_logits(rows, scores)
    assert from_scores == pytest.approx(-np.mean((rows * special.log_softmax(scores, 1)).sum(1)))


# --- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", REAL)
def test_gradients_of_real_predictions(loss):
    for scale in (0.1, 1, 30):
        y, p = RNG.integers(0, 2, 12).astype(float), RNG.normal(size=12) * scale
        expected = central_differences(loss, y, p)
        np.testing.assert_allclose(grad(loss)(y, p), expected, atol=2e-8 * (1 + scale))


def test_gradients_of_probabilities():
    y, p = RNG.uniform(size=12), RNG.uniform(0.02, 0.98, 12)
    expected = central_differences(L.binary_cross_entropy, y, p)
    np.testing.assert_allclose(L.binary_cross_entropy_grad(y, p), expected, rtol=1e-5, atol=1e-7)
    rows, shares = np.eye(4)[[0, 3, 1]], RNG.dirichlet(np.ones(4), size=3)
    expected = central_differences(L.categorical_cross_entropy, rows, shares)
    got = L.categorical_cross_entropy_grad(rows, shares)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_gradients_of_class_logits(smoothing):
    y, z = L.smooth_labels(np.eye(4)[[0, 3, 1]], smoothing), RNG.normal(size=(3, 4)) * 5
    expected = central_differences(L.categorical_cross_entropy_from_logits, y, z)
    got = L.categorical_cross_entropy_from_logits_grad(y, z)
    np.testing.assert_allclose(got, expected, atol=1e-8)
    np.testing.assert_allclose(got.sum(axis=1), 0, atol=1e-15)  # softmax ignores a common shift


def test_the_gradient_at_the_kink_is_zero():
    assert L.mean_absolute_error_grad([2.0], [2.0]).tolist() == [0.0]


# --- extreme inputs -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("y", "z", "loss", "gradient"),
    [
        (1, 1000, 0, 0),
        (1, -1000, 1000, -1),
        (0, 1000, 1000, 1),
        (0, -1000, 0, 0),
        (0.9, 1000, 100, 0.1),  # 0.9 * 0 + 0.1 * 1000
        (1, 40, np.exp(-40), -np.exp(-40)),
    ],
)
def test_binary_logits_of_any_size(y, z, loss, gradient):
    assert L.binary_cross_entropy_from_logits([y], [z]) == pytest.approx(loss, rel=1e-12)
    got = L.binary_cross_entropy_from_logits_grad([y], [z])[0]
    assert got == pytest.approx(gradient, rel=1e-9, abs=1e-15)


@pytest.mark.filterwarnings("error")
def test_class_logits_of_any_size():
    z = np.array([[1000.0, 0.0, -1000.0]])
    for k, expected in enumerate([0.0, 1000.0, 2000.0]):
        y = np.eye(3)[[k]]
        assert L.categorical_cross_entropy_from_logits(y, z) == expected
        gradient = L.categorical_cross_entropy_from_logits_grad(y, z)
        assert gradient.tolist() == [[1 - (k == 0), -float(k == 1), -float(k == 2)]]
    even = np.full((1, 3), 1000.0)
    assert L.categorical_cross_entropy_from_logits([[1, 0, 0]], even) == pytest.approx(np.log(3))


@pytest.mark.filterwarnings("error")
def test_regression_at_a_thousand():
    far = np.array([1000.0, -1000.0])
    assert L.mean_squared_error(far, -far) == 4e6
    assert L.mean_absolute_error(far, -far) == 2000
    assert L.huber_loss(far, -far) == 1999.5
    assert L.huber_loss_grad(far, -far).tolist() == [-0.5, 0.5]


@pytest.mark.filterwarnings("error")
def test_probabilities_of_zero_and_one_stay_finite_and_flat():
    assert L.binary_cross_entropy([1, 0], [0, 1]) == pytest.approx(-np.log(1e-7))
    assert L.binary_cross_entropy_grad([1, 0], [0, 1]).tolist() == [0, 0]
    assert L.categorical_cross_entropy([[1, 0]], [[0, 1]]) == pytest.approx(-np.log(1e-7))
    assert L.categorical_cross_entropy_grad([[1, 0]], [[0, 1]]).tolist() == [[0, 0]]


# --- refused inputs -----------------------------------------------------------------------------


@pytest.mark.parametrize("which", [lambda loss: loss, grad], ids=["loss", "grad"])
@pytest.mark.parametrize("loss", ONE_SHAPE)
def test_a_column_against_a_row_is_refused_with_both_shapes(loss, which):
    with pytest.raises(ValueError, match=r"\(4,\) and \(4, 1\).*reshape\(\(4,\)\)"):
        which(loss)(Y, P.reshape(4, 1))
    with pytest.raises(ValueError, match=r"\(4, 1\) and \(4,\)"):
        which(loss)(Y.reshape(4, 1), P)
    with pytest.raises(ValueError, match=r"\(4,\) and \(3,\)"):
        which(loss)(Y, P[:3])
    with pytest.raises(ValueError, match="no samples"):
        which(loss)([], [])


@pytest.mark.parametrize("which", [lambda loss: loss, grad], ids=["loss", "grad"])
@pytest.mark.parametrize("loss", ROWS)
def test_class_losses_refuse_what_is_no_row_of_shares(loss, which):
    good = np.array([[0.5, 0.5], [0.2, 0.8]])
    with pytest.raises(ValueError, match=r"shape \(2,\).*one_hot"):
        which(loss)([0, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"row 1 of y_true sums to 2"):
        which(loss)([[1, 0], [1, 1]], good)
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(2,\)"):
        which(loss)(np.eye(2), [0.5, 0.5])


def test_labels_of_minus_one_are_refused():
    for loss in (L.binary_cross_entropy, L.binary_cross_entropy_from_logits):
        with pytest.raises(ValueError, match=r"-1, outside.*turn -1 into 0"):
            loss([1, -1], [0.5, 0.5])


def test_logits_given_as_probabilities_are_refused():
    with pytest.raises(ValueError, match=r"1\.5, outside.*from_logits"):
        L.binary_cross_entropy([1, 0], [1.5, 0.5])
    with pytest.raises(ValueError, match="nan, outside"):
        L.binary_cross_entropy([1, 0], [np.nan, 0.5])
    with pytest.raises(ValueError, match=r"row 0 of y_pred sums to 0\.9"):
        L.categorical_cross_entropy([[1, 0]], [[0.4, 0.5]])


@pytest.mark.parametrize("delta", [0, -1, float("nan")])
def test_delta_must_be_above_zero(delta):
    for call in (L.huber_loss, L.huber_loss_grad):
        with pytest.raises(ValueError, match="above 0"):
            call([0.0], [1.0], delta)
    with pytest.raises(ValueError, match="above 0"):
        L.best_line([0, 1], [0, 1], "huber", delta)


# --- labels -------------------------------------------------------------------------------------


def test_one_hot_refuses_labels_outside():
    for labels in ([3], [-1]):
        with pytest.raises(ValueError, match=r"must lie in \[0, 2\]"):
            L.one_hot(labels, 3)
    with pytest.raises(ValueError, match="whole numbers"):
        L.one_hot([0.5], 3)


def test_smoothing_keeps_sums_and_its_best_answer_is_the_smoothed_label():
    y = L.smooth_labels(np.eye(3), 0.3)
    np.testing.assert_allclose(y.sum(axis=1), 1)
    np.testing.assert_allclose(np.diag(y), 0.8)
    best = L.categorical_cross_entropy_from_logits_grad(y, np.log(y))
    np.testing.assert_allclose(best, 0, atol=1e-15)
    np.testing.assert_allclose(L.smooth_labels([[0.0], [1.0]], 0.2), [[0.1], [0.9]])


@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_smoothing_lies_between_0_and_1(bad):
    with pytest.raises(ValueError, match="label_smoothing"):
        L.smooth_labels([0, 1], bad)


# --- the line -----------------------------------------------------------------------------------


def points(outlier):
    x = np.linspace(0, 10, 21)
    y = 2 * x - 1 + np.random.default_rng(1).normal(size=21)
    y[18] += outlier
    return x, y


def line_loss(loss, x, y):
    return lambda line: loss(y, line[0] * x + line[1])


@pytest.mark.parametrize("outlier", [0, 30, -1000])
def test_lines_agree_with_other_solvers(outlier):
    from sklearn.linear_model import LinearRegression, QuantileRegressor

    x, y = points(outlier)
    least_squares = LinearRegression().fit(x[:, None], y)
    ours = L.best_line(x, y, "mse")
    assert ours == pytest.approx((least_squares.coef_[0], least_squares.intercept_))

    median = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(x[:, None], y)
    value = line_loss(L.mean_absolute_error, x, y)
    assert value(L.best_line(x, y, "mae")) == pytest.approx(
        value((median.coef_[0], median.intercept_)), rel=1e-9
    )


@pytest.mark.parametrize("outlier", [0, 30, -1000])
@pytest.mark.parametrize("delta", [0.1, 1, 10])
def test_hubers_line_is_where_its_gradient_is_zero(outlier, delta):
    x, y = points(outlier)
    slope, intercept = L.best_line(x, y, "huber", delta)
    g = L.huber_loss_grad(y, slope * x + intercept, delta)
    assert [g.sum(), g @ x] == pytest.approx([0, 0], abs=1e-8)
    other = optimize.least_squares(
        lambda line: line[0] * x + line[1] - y, (0, 0), loss="huber", f_scale=delta, xtol=1e-14,
        ftol=1e-14, gtol=1e-12, max_nfev=5000,
    )  # fmt: skip
    ours = sum(special.huber(delta, slope * x + intercept - y))
    assert ours <= other.cost * (1 + 1e-9)


def test_only_squares_follow_the_outlier_without_end():
    slopes = {
        loss: [L.best_line(*points(outlier), loss)[0] for outlier in (100, 200, 300)]
        for loss in ("mse", "mae", "huber")
    }
    assert np.ptp(np.diff(slopes["mse"])) == pytest.approx(0, abs=1e-9)
    assert np.diff(slopes["mse"])[0] > 1
    assert np.ptp(slopes["mae"]) == pytest.approx(0)
    assert np.ptp(slopes["huber"]) == pytest.approx(0, abs=1e-9)


def test_bad_lines_are_refused():
    with pytest.raises(ValueError, match="'l2'; it must be one of: mse, mae, huber"):
        L.best_line([0, 1], [0, 1], "l2")
    with pytest.raises(ValueError, match="two different"):
        L.best_line([1, 1], [0, 1])
    with pytest.raises(ValueError, match="shapes differ"):
        L.best_line([0, 1, 2], [0, 1])


# --- Keras --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras():
    from labkit.networks.backend import keras

    return keras


@pytest.mark.slow
def test_losses_equal_keras(keras):
    K, rng = keras.losses, np.random.default_rng(3)
    y, p = rng.normal(size=40), rng.normal(size=40) * 3
    flips, chances, z = rng.integers(0, 2, 40).astype(float), rng.uniform(size=40), p
    rows, shares = np.eye(5)[rng.integers(0, 5, 40)], rng.dirichlet(np.ones(5), size=40)
    scores = rng.normal(size=(40, 5)) * 3
    pairs = [
        (K.MeanSquaredError()(y, p), L.mean_squared_error(y, p)),
        (K.MeanAbsoluteError()(y, p), L.mean_absolute_error(y, p)),
        (K.Huber()(y, p), L.huber_loss(y, p)),
        (K.Huber(delta=0.3)(y, p), L.huber_loss(y, p, 0.3)),
        (K.BinaryCrossentropy()(flips, chances), L.binary_cross_entropy(flips, chances)),
        (K.BinaryCrossentropy()(Y, P), L.binary_cross_entropy(Y, P)),
        (
            K.BinaryCrossentropy(from_logits=True)(flips, z),
            L.binary_cross_entropy_from_logits(flips, z),
        ),
        (
            K.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)(flips, z),
            L.binary_cross_entropy_from_logits(L.smooth_labels(flips, 0.2), z),
        ),
        (K.CategoricalCrossentropy()(rows, shares), L.categorical_cross_entropy(rows, shares)),
        (
            K.CategoricalCrossentropy(from_logits=True)(rows, scores),
            L.categorical_cross_entropy_from_logits(rows, scores),
        ),
        (
            K.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(rows, scores),
            L.categorical_cross_entropy_from_logits(L.smooth_labels(rows, 0.1), scores),
        ),
    ]
    for theirs, ours in pairs:
        assert ours == pytest.approx(float(theirs), rel=1e-6)


@pytest.mark.slow
def test_keras_is_as_stable_with_logits_of_a_thousand(keras):
    theirs = keras.losses.BinaryCrossentropy(from_logits=True)
    for y, z in [(1.0, -1000.0), (0.0, 1000.0), (1.0, 1000.0)]:
        ours = L.binary_cross_entropy_from_logits([y], [z])
        assert ours == pytest.approx(float(theirs(np.array([y]), np.array([z]))))


@pytest.mark.slow
def test_keras_cuts_probabilities_as_we_do(keras):
    theirs = keras.losses.binary_crossentropy(np.array([[1.0]]), np.array([[0.0]]))
    assert L.binary_cross_entropy([1], [0]) == pytest.approx(float(theirs[0]), rel=1e-6)


@pytest.mark.slow
def test_gradients_equal_those_of_tensorflow(keras):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(4)
    flips, z = rng.integers(0, 2, 12).astype(float), rng.normal(size=12) * 3
    rows, scores = np.eye(4)[rng.integers(0, 4, 6)], rng.normal(size=(6, 4)) * 3
    binary = keras.losses.BinaryCrossentropy(from_logits=True, dtype="float64")
    several = keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float64")
    huber = keras.losses.Huber(dtype="float64")
    for theirs, ours, y, p in [
        (binary, L.binary_cross_entropy_from_logits_grad, flips, z),
        (several, L.categorical_cross_entropy_from_logits_grad, rows, scores),
        (huber, L.huber_loss_grad, flips, z),
    ]:
        variable = tf.Variable(p)
        with tf.GradientTape() as tape:
            value = theirs(tf.constant(y), variable)
        expected = tape.gradient(value, variable).numpy()
        np.testing.assert_allclose(ours(y, p), expected, atol=1e-6)


@pytest.mark.slow
def test_pytorch_contains_the_softmax():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    labels, scores = rng.integers(0, 4, 20), rng.normal(size=(20, 4)) * 3
    theirs = torch.nn.CrossEntropyLoss()(torch.tensor(scores), torch.tensor(labels)).item()
    ours = L.categorical_cross_entropy_from_logits(L.one_hot(labels, 4), scores)
    assert ours == pytest.approx(theirs, rel=1e-6)
