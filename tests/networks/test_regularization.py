"""What lesson 12 measures with: draws, intervals, comparisons, ensembles, rates, schedules."""

import numpy as np
import pytest

from labkit.networks import regularization as well

LABELS = np.repeat([0, 1, 2], [20, 30, 40])


# --- NumPy alone ---------------------------------------------------------------------------------


def test_a_draw_holds_equally_many_of_each_class_and_no_row_twice():
    rows = well.draw_per_class(LABELS, 7, seed=3)
    assert np.bincount(LABELS[rows]).tolist() == [7, 7, 7]
    assert len(set(rows.tolist())) == 21


def test_a_larger_draw_contains_the_smaller_one_and_the_seed_decides():
    few, many = (set(well.draw_per_class(LABELS, count, seed=3).tolist()) for count in (5, 15))
    assert few < many
    assert few != set(well.draw_per_class(LABELS, 5, seed=4).tolist())


@pytest.mark.parametrize("count", [0, 21])
def test_a_draw_that_cannot_be_made_says_what_can(count):
    with pytest.raises(ValueError, match=r"1 to 20.*Received"):
        well.draw_per_class(LABELS, count)


@pytest.mark.slow
def test_accuracy_and_loss_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    answers = random.dirichlet(np.ones(3), 90)
    accuracy, loss = well.accuracy_and_loss(answers, LABELS)
    assert accuracy == pytest.approx(metrics.accuracy_score(LABELS, answers.argmax(axis=1)))
    assert loss == pytest.approx(metrics.log_loss(LABELS, answers))


def test_a_probability_of_zero_gives_a_large_loss_and_not_an_infinite_one():
    assert well.accuracy_and_loss([[1.0, 0.0]], [1])[1] == pytest.approx(-np.log(1e-7))


def test_answers_and_labels_must_fit():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3,\)"):
        well.accuracy_and_loss(np.ones((2, 3)), [0, 1, 2])


def test_an_ensemble_is_never_worse_in_loss_than_its_members_on_average():
    members = np.random.default_rng(0).dirichlet(np.ones(3), (4, 90))
    alone = np.mean([well.accuracy_and_loss(member, LABELS)[1] for member in members])
    assert well.accuracy_and_loss(well.ensemble(members), LABELS)[1] < alone


@pytest.mark.parametrize("members", [[], [np.ones((2, 3)), np.ones((3, 3))]])
def test_members_must_answer_alike(members):
    with pytest.raises(ValueError, match="same shape"):
        well.ensemble(members)


# --- with Keras ----------------------------------------------------------------------------------


def points(count=60):
    """Two classes that a straight line parts."""
    x = np.random.default_rng(0).normal(size=(count, 4)).astype("float32")
    return x, (x[:, 0] + x[:, 1] > 0).astype("int64")


def compiled(optimizer="adam"):
    from labkit.networks.backend import keras

    start = keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="relu", kernel_initializer=start(seed=1)),
            keras.layers.Dense(2, activation="softmax", kernel_initializer=start(seed=2)),
        ]
    )
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.slow
def test_watching_measures_before_and_after_each_epoch_and_changes_nothing():
    from labkit.networks.training import fit

    x, y = points()
    watched_model, plain = compiled(), compiled()
    course = well.fit_watched(
        watched_model, x, y, {"all": (x, y)}, epochs=3, batch_size=16, stop_on="all", seed=5
    )
    fit(plain, x, y, epochs=3, batch_size=16, seed=5, verbose=0)
    for a, b in zip(watched_model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(course.loss["all"]) == len(course.accuracy["all"]) == 4
    untrained = well.accuracy_and_loss(well.probabilities(compiled(), x), y)
    assert (course.accuracy["all"][0], course.loss["all"][0]) == pytest.approx(untrained)
    assert course.best_epoch == int(np.argmin(course.loss["all"]))
    watched_model.set_weights(course.best_weights)
    best = well.accuracy_and_loss(well.probabilities(watched_model, x), y)[1]
    assert best == pytest.approx(min(course.loss["all"]))


@pytest.mark.slow
def test_the_best_epoch_can_lie_before_the_last():
    x, y = points()
    course = well.fit_watched(compiled(), x, y, {"turned": (x, 1 - y)}, epochs=5, stop_on="turned")
    assert course.best_epoch < 5


@pytest.mark.slow
def test_augmentation_reaches_the_training():
    x, y = points()
    vary = {"augment": lambda inputs, seed: -inputs}
    losses = [
        well.fit_watched(compiled(), x, y, {"all": (x, y)}, epochs=8, **more).loss["all"][-1]
        for more in ({}, vary)
    ]
    assert losses[1] > losses[0]


@pytest.mark.slow
def test_it_can_only_stop_on_what_it_watches():
    x, y = points()
    with pytest.raises(ValueError, match="'validation'"):
        well.fit_watched(compiled(), x, y, {"all": (x, y)}, stop_on="validation")


@pytest.mark.slow
def test_the_search_for_a_rate_leaves_the_model_as_it_was():
    from labkit.networks.backend import keras

    x, y = points()
    model = compiled(keras.optimizers.SGD(0.25))
    before = model.get_weights()
    found = well.find_learning_rate(model, x, y, low=1e-4, high=1e4, steps=60, batch_size=20)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.25)
    assert int(model.optimizer.iterations) == 0
    assert found.diverged
    assert len(found.rates) == len(found.losses) < 60
    lowest = found.rates[np.argmin(found.losses)]
    assert 1e-4 < found.steepest < lowest
    model.optimizer.learning_rate = found.steepest
    course = well.fit_watched(model, x, y, {"all": (x, y)}, epochs=20, batch_size=20)
    assert course.loss["all"][-1] < 0.7 * course.loss["all"][0]


@pytest.mark.slow
def test_the_search_refuses_what_it_cannot_do():
    from labkit.networks.backend import keras

    x, y = points()
    with pytest.raises(ValueError, match="0 < low < high"):
        well.find_learning_rate(compiled(), x, y, low=1.0, high=0.1)
    planned = keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10))
    with pytest.raises(ValueError, match="schedule"):
        well.find_learning_rate(compiled(planned), x, y)


@pytest.mark.slow
def test_one_cycle_rises_once_and_falls_to_almost_nothing():
    plan = well.one_cycle(0.1, steps=100, warm_up=0.3)
    rates = np.array([float(plan(step)) for step in range(101)])
    np.testing.assert_allclose(rates[[0, 30, 100]], [0.1 / 25, 0.1, 0.1 / 10_000], rtol=1e-3)
    assert (np.diff(rates[:31]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()
    assert rates[15] == pytest.approx((0.1 / 25 + 0.1) / 2)  # half a cosine: half way up


@pytest.mark.slow
def test_one_cycle_trains():
    from labkit.networks.backend import keras

    x, y = points()
    model = compiled(keras.optimizers.Adam(well.one_cycle(0.05, steps=40)))
    course = well.fit_watched(model, x, y, {"all": (x, y)}, epochs=10, batch_size=15)
    assert course.loss["all"][-1] < course.loss["all"][0]


@pytest.mark.parametrize("bad", [(0, 10, 0.3), (0.1, 1, 0.3), (0.1, 10, 1.0)])
def test_one_cycle_needs_a_peak_steps_and_a_share(bad):
    with pytest.raises(ValueError, match="Received"):
        well.one_cycle(*bad)
