"""What the walker over all exercises does not see: learners' own ways of writing the answers."""

import numpy as np
import pytest

from labkit.exercises import convolution as exercise


def test_a_loop_is_as_right_as_numpy():
    def loop(image, kernel):
        h, w = kernel.shape
        rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
        out = np.zeros((rows, columns))
        for i in range(rows):
            for j in range(columns):
                out[i, j] = (image[i : i + h, j : j + w] * kernel).sum()
        return out

    assert exercise.convolution.check(loop).ok
    assert exercise.convolution.check(lambda a, b: loop(a, b).tolist()).ok


def test_scipys_two_functions_are_told_apart():
    signal = pytest.importorskip("scipy.signal")
    assert exercise.convolution.check(lambda a, b: signal.correlate2d(a, b, "valid")).ok
    feedback = exercise.convolution.check(lambda a, b: signal.convolve2d(a, b, "valid"))
    assert feedback.kind == "flipped kernel"


def test_the_listings_number_is_recognized():
    right, wrong = exercise.features.right, exercise.features.mistakes["the listing's number"][0]
    assert (right(28, 32, 3, 2), wrong(28, 32, 3, 2)) == (32 * 13 * 13, 32 * 7 * 7)


def test_a_broadcast_error_is_shown_as_a_sentence():
    feedback = exercise.convolution.check(lambda image, kernel: image * kernel)
    assert feedback.kind == "error"
    assert "broadcast" in feedback.message


@pytest.mark.parametrize("name", ["output_size", "convolution", "features"])
def test_at_least_four_mistakes_that_differ_from_each_other(name):
    each = getattr(exercise, name)
    assert len(each.mistakes) >= 4
    kinds = [each.check(wrong).kind for wrong, _ in each.mistakes.values()]
    assert kinds == list(each.mistakes)


def test_pythons_round_is_not_told_that_it_rounds_up():
    answer = lambda n, k, s, p: round((n + 2 * p - k) / s) + 1
    assert exercise.output_size.check(answer).kind == "rounded to the nearest"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda s, f, k, p: f * ((s - k + 1) / p) ** 2, "half a block"),
        (lambda s, f, k, p: f * (s - k + 1) ** 2 // p**2, "squared before dividing"),
        (lambda s, f, k, p: f * ((s - k + 1) ** 2 // p**2), "squared before dividing"),
        (lambda s, f, k, p: f * int(np.ceil((s - k + 1) / p)) ** 2, "rounded up"),
        (lambda s, f, k, p: f * int((s - k + 1) / p) ** 2, "right"),
    ],
)
def test_a_remainder_tells_where_the_rounding_belongs(answer, kind):
    assert exercise.features.check(answer).kind == kind
