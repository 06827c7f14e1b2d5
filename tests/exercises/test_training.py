"""What the walker over all exercises does not see: lesson 12's own ways of answering."""

import numpy as np
import pytest

from labkit.exercises import training as exercise


def test_the_four_curves_are_what_their_words_say():
    curves = {name: np.array(pair) for name, pair in exercise.CURVES.items()}
    assert {pair.shape for pair in curves.values()} == {(2, 21)}
    at_end = {name: pair[:, -1] for name, pair in curves.items()}
    overfits, underfits, fine, too_high = curves.values()
    assert at_end["A"][0] < 0.05
    assert at_end["A"][1] > overfits[1].min() + 0.1  # it has turned
    assert (at_end["B"] > 1).all()
    assert (np.diff(underfits) <= 0).all()  # still falling
    assert (at_end["C"] < 0.3).all()
    assert fine[1, -1] == fine[1].min()
    assert at_end["D"][0] > 0.8
    assert (np.diff(too_high[0]) > 0).sum() > 5  # it jumps


def test_a_stop_written_with_numpy_is_right():
    def stop(losses, patience):
        losses = np.asarray(losses)
        for epoch in range(len(losses)):
            best = int(np.argmin(losses[: epoch + 1]))
            if epoch - best >= patience:
                break
        return np.array([best, epoch])

    assert exercise.stop.check(stop).ok


@pytest.mark.parametrize("wrong", [lambda v, t: int(np.argmax(v)), lambda v, t: (0, t[0])])
def test_half_a_choice_is_none(wrong):
    assert not exercise.choice.check(wrong).ok


@pytest.mark.parametrize("kind", ["the later of two equal epochs", "counter never reset"])
def test_slips_of_counting_are_told_apart(kind):
    wrong, _ = exercise.stop.mistakes[kind]
    assert exercise.stop.check(wrong).kind == kind


def test_a_stop_counted_as_a_length_is_named():
    def stop(losses, patience):
        best, seen = 0, []
        for loss in losses:
            seen.append(loss)
            best = int(np.argmin(seen))
            if len(seen) - 1 - best == patience:
                break
        return best, len(seen)

    assert exercise.stop.check(stop).kind == "epochs counted for the stop"
