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
    import keras

    from labkit.networks.training import fit

    x, y = points()
    watched_model, plain = compiled(), compiled()
    few = x[:7], y[:7]
    sets = {"few": few, "all": (x, y)}
    keras.utils.set_random_seed(5)
    course = watching.fit_watched(watched_model, x, y, sets, epochs=3, batch_size=16)
    keras.utils.set_random_seed(5)
    fit(plain, x, y, epochs=3, batch_size=16, verbose=0)
    for a, b in zip(watched_model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(course.loss["all"]) == len(course.accuracy["all"]) == len(course.answers["all"]) == 4
    for epoch, model in ((0, compiled()), (3, plain)):
        for name, (inputs, labels) in sets.items():
            answers = watching.probabilities(model, inputs)
            np.testing.assert_allclose(course.answers[name][epoch], answers, atol=1e-6)
            measured = course.accuracy[name][epoch], course.loss[name][epoch]
            assert measured == pytest.approx(watching.accuracy_and_loss(answers, labels), rel=1e-5)
