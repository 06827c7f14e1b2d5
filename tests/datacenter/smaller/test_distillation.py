"""Distillation: the loss against SciPy and differences, and where a teacher helps, over seeds."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from labkit.datacenter.network import Images, Network, small_digits
from labkit.datacenter.smaller import distillation
from labkit.datacenter.smaller.distillation import (
    STUDENT,
    error,
    matching_limit,
    one_hot,
    soften,
    teach,
    train,
    tune,
    where,
)
from labkit.maths.intervals import compare

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(0, 3, (6, 10))
TARGETS = softmax(RANDOM.normal(0, 2, (6, 10)), axis=1)
TEMPERATURE, SEEDS = 4.0, range(5)


# --- the loss -----------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 1, 4, 100])
def test_soft_answers_are_scipys_softmax_of_cooled_scores(temperature):
    assert soften(SCORES, temperature) == pytest.approx(softmax(SCORES / temperature, axis=1))


def test_scores_of_any_size_give_probabilities():
    assert soften(np.array([1000.0, -1000.0, 1000.0])).tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_temperature_that_cannot_be_is_refused(temperature):
    with pytest.raises(ValueError, match="above 0"):
        soften(SCORES, temperature)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
def test_the_error_is_the_slope_of_the_scaled_cross_entropy(temperature):
    def loss(scores):
        return -(temperature**2) * (TARGETS * log_softmax(scores / temperature, axis=1)).sum()

    slopes, small = np.empty_like(SCORES), 1e-5
    for place in np.ndindex(SCORES.shape):
        step = np.zeros_like(SCORES)
        step[place] = small
        slopes[place] = (loss(SCORES + step) - loss(SCORES - step)) / (2 * small)
    assert error(SCORES, TARGETS, temperature) == pytest.approx(slopes, abs=1e-6)


def test_at_high_temperature_students_match_scores():
    teacher = RANDOM.normal(0, 3, SCORES.shape)
    for temperature, wide in ((100, 0.05), (1000, 0.005)):
        found = error(SCORES, soften(teacher, temperature), temperature)
        assert found == pytest.approx(matching_limit(SCORES, teacher), abs=wide)


# --- training -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts():
    return [small_digits(seed) for seed in SEEDS]


def test_one_hot_targets_at_temperature_1_are_plain_classification(parts):
    x, y = (each[:50] for each in parts[0].train)
    w = STUDENT.start(3)
    plain = STUDENT.gradient(w, x, y)
    found = STUDENT.gradient(w, x, one_hot(y), error=lambda z, t: error(z, t, 1.0))
    assert found == pytest.approx(plain, abs=1e-6)


def labeled(parts):
    return Images(parts.train.x, one_hot(parts.train.y))


def test_rates_trained_at_once_are_rates_trained_alone(parts):
    images = labeled(parts[0])
    network = Network((196, 4, 10))
    both = train(network, images, [0.02, 0.1], seed=1, steps=20)
    alone = [train(network, images, [rate], seed=1, steps=20)[0] for rate in (0.02, 0.1)]
    assert both == pytest.approx(np.array(alone), abs=1e-5)
    assert both.dtype == np.float32


def test_a_learners_error_is_the_one_that_trains(parts):
    images = labeled(parts[0])
    start = STUDENT.start(1)
    still = train(STUDENT, images, [0.1], 1, error=lambda z, t, T: 0 * z, steps=3)
    assert still[0].tolist() == start.tolist()
    lists = train(STUDENT, images, [0.1], 1, error=lambda z, t, T: (z * 0).tolist(), steps=3)
    assert lists[0].tolist() == start.tolist()


def test_a_student_sees_what_is_kept_and_no_more(parts, monkeypatch):
    seen = []

    def watched(network, images, rates, seed, *_):
        seen.append(images)
        return np.tile(network.start(seed), (len(rates), 1))

    monkeypatch.setattr(distillation, "train", watched)
    masks = [parts[0].train.y != 3, slice(200)]
    found = tune(parts[:2], [one_hot(each.train.y) for each in parts[:2]], masks)
    assert {(len(each.x), len(each.y)) for each in seen} == {(2700, 2700), (200, 200)}
    assert all(each.y[:, 3].sum() == 0 for each in seen if len(each.x) == 2700)
    assert found.weights.shape == (2, STUDENT.items)


# --- where a teacher helps ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def teachers(parts):
    return [teach(each.train, seed) for seed, each in enumerate(parts)]


@pytest.fixture(scope="module")
def soft(parts, teachers):
    pairs = zip(teachers, parts, strict=True)
    return [soften(teacher.scores(each.train.x), TEMPERATURE) for teacher, each in pairs]


def students(*setting):
    found = tune(*setting)
    assert not found.at_the_edge
    return found


@pytest.mark.slow
def test_labels_that_the_student_lacks_help_and_softness_alone_does_not(parts, soft):
    labels = [one_hot(each.train.y) for each in parts]
    taught = students(parts, soft, None, TEMPERATURE).test
    textbook = compare(taught, students(parts, labels).test)
    few = compare(taught, students(parts, labels, [slice(200)] * len(parts)).test)
    assert abs(textbook.change) < 0.015
    assert few.change - few.margin > 0.05


@pytest.mark.slow
def test_a_student_that_never_saw_a_3_reads_most_of_them(parts, soft, teachers):
    unseen = [each._replace(valid=where(each.valid, each.valid.y != 3)) for each in parts]
    keep = [each.train.y != 3 for each in parts]
    hard = [one_hot(t.scores(p.train.x).argmax(-1)) for t, p in zip(teachers, parts, strict=True)]

    def threes(found):
        pairs = zip(found.weights, parts, strict=True)
        return [STUDENT.accuracy(w, where(each.test, each.test.y == 3)) for w, each in pairs]

    assert np.mean(threes(students(unseen, soft, keep, TEMPERATURE))) > 0.5
    assert np.mean(threes(students(unseen, hard, keep))) < 0.1
