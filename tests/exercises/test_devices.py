"""The exercises of lesson 17 agree with copies counted one by one, Keras' optimizer, and cards."""

import pytest

from labkit.datacenter.cards import CARDS, LAYERS, step
from labkit.exercises import devices as exercise


def test_the_right_transfer_is_that_of_pieces_one_after_the_other():
    clock, (size, pieces, latency, bandwidth) = 0.0, (6e6, 12, 2e-4, 3e9)
    for _ in range(pieces):
        clock += latency
        clock += size / pieces / bandwidth
    assert exercise.transfer.right(size, pieces, latency, bandwidth) == pytest.approx(clock)


@pytest.mark.parametrize("width", [128, 1024])
def test_the_right_batch_is_the_first_that_the_model_of_a_step_calls_no_longer_launch_bound(width):
    card, operations, launch = CARDS["A100"], 200, 4e-6
    flop = 6 * LAYERS * width**2
    least = exercise.fill.right(operations, launch, flop, card.peaks["float32"])
    parts = [step(card, batch, width, operations, launch) for batch in (least - 1, least)]
    assert parts[0].arithmetic < parts[0].launching <= parts[1].arithmetic


def test_all_cases_of_the_batch_are_far_from_whole_numbers():
    """So that rounding of the last digit decides nothing."""
    for operations, launch, flop, peak in exercise.fill.cases:
        assert 0.02 < operations * launch * peak / flop % 1 < 0.98


def test_the_right_bytes_grow_by_those_of_an_example():
    right = exercise.memory.right
    assert right(0, 7, 3) == 4 * 7 * 3
    assert right(1, 0, 99) == 16
    assert right(10, 7, 4) - right(10, 7, 3) == 28
