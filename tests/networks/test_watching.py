"""A network measured from outside: its answers, after every epoch, and as part of an ensemble."""

import numpy as np
import pytest
from two_classes import compiled, points

from labkit.networks import watching

LABELS = np.repeat([0, 1, 2], [20, 30, 40])


# --- NumPy alone ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_accuracy_and_loss_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    answers = random.dirichlet(np.ones(3), 90)
    accuracy, loss = watching.accuracy_and_loss(answers, LABELS)
    assert accuracy == pytest.approx(metrics.accuracy_score(LABELS, answers.argmax(axis=1)))
    assert loss == pytest.approx(metrics.log_loss(LABELS, answers))


def test_a_probability_of_zero_gives_a_large_loss_and_not_an_infinite_one():
    assert watching.accuracy_and_loss([[1.0, 0.0]], [1])[1] == pytest.approx(-np.log(1e-7))


def test_answers_and_labels_must_fit():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3,\)"):
        watching.accuracy_and_loss(np.ones((2, 3)), [0, 1, 2])


def test_an_ensemble_is_never_worse_in_loss_than_its_members_on_average():
    members = np.random.default_rng(0).dirichlet(np.ones(3), (4, 90))
    alone = np.mean([watching.accuracy_and_loss(member, LABELS)[1] for member in members])
    assert watching.accuracy_and_loss(watching.ensemble(members), LABELS)[1] < alone


@pytest.mark.parametrize("members", [[], [np.ones((2, 3)), np.ones((3, 3))]])
def test_members_must_answer_alike(members):
    with pytest.raises(ValueError, match="same shape"):
        watching.ensemble(members)


# --- with Keras ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_watching_measures_before_and_after_each_epoch_and_changes_nothing():
    from labkit.networks.training import fit

    x, y = points()
    watched_model, plain = compiled(), compiled()
    course = watching.fit_watched(
        watched_model, x, y, {"all": (x, y)}, epochs=3, batch_size=16, stop_on="all", seed=5
    )
    fit(plain, x, y, epochs=3, batch_size=16, seed=5, verbose=0)
    for a, b in zip(watched_model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(course.loss["all"]) == len(course.accuracy["all"]) == 4
    untrained = watching.accuracy_and_loss(watching.probabilities(compiled(), x), y)
    assert (course.accuracy["all"][0], course.loss["all"][0]) == pytest.approx(untrained)
    assert course.best_epoch == int(np.argmin(course.loss["all"]))
    watched_model.set_weights(course.best_weights)
    best = watching.accuracy_and_loss(watching.probabilities(watched_model, x), y)[1]
    assert best == pytest.approx(min(course.loss["all"]))


@pytest.mark.slow
def test_the_best_epoch_can_lie_before_the_last():
    x, y = points()
    course = watching.fit_watched(
        compiled(), x, y, {"turned": (x, 1 - y)}, epochs=5, stop_on="turned"
    )
    assert course.best_epoch < 5


@pytest.mark.slow
def test_augmentation_reaches_the_training():
    x, y = points()
    vary = {"augment": lambda inputs, seed: -inputs}
    losses = [
        watching.fit_watched(compiled(), x, y, {"all": (x, y)}, epochs=8, **more).loss["all"][-1]
        for more in ({}, vary)
    ]
    assert losses[1] > losses[0]


@pytest.mark.slow
def test_it_can_only_stop_on_what_it_watches():
    x, y = points()
    with pytest.raises(ValueError, match="'validation'"):
        watching.fit_watched(compiled(), x, y, {"all": (x, y)}, stop_on="validation")
