"""Regions of the plane: counted over a fine grid, and counted by the formula for lines."""

import numpy as np
import pytest

from labkit.maths.folding import count_regions, most_regions, same_region

AT = np.linspace(-1, 1, 601)
GRID = np.stack(np.meshgrid(AT, AT), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("units", range(6))
def test_tangents_of_a_circle_cut_the_plane_into_as_many_regions_as_lines_can(units):
    """No two at these angles are parallel, and no three meet: lines in general position."""
    angles = 2.2 * np.arange(units) + 0.1 * np.arange(units) ** 2
    W = np.stack([np.cos(angles), np.sin(angles)])
    far = 40 * GRID  # so that all crossings lie inside
    close = np.concatenate([GRID, far])
    assert count_regions(W, np.full(units, -0.2), close) == most_regions(units)


def test_parallel_lines_and_lines_through_one_point_cut_less():
    W = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert count_regions(W, [-0.5, 0.0, 0.5], GRID) == 4
    angles = np.array([0.1, 1.0, 2.0])
    assert count_regions(np.stack([np.cos(angles), np.sin(angles)]), np.zeros(3), GRID) == 6


def test_each_new_line_adds_a_region_for_each_piece_it_is_cut_into():
    counts = [most_regions(units) for units in range(9)]
    assert np.diff(counts).tolist() == list(range(1, 9))
    assert most_regions(3, inputs=3) == 2**3  # three planes in space


@pytest.mark.parametrize("units", [1, 7, 8, 9, 64, 70, 128])
def test_regions_are_the_different_rows_however_many_units_there_are(units):
    on = np.random.default_rng(units).random((400, units)) > 0.97
    theirs = np.unique(on, axis=0, return_inverse=True)[1].ravel()
    mine = same_region(on)
    pairs = {*zip(mine.tolist(), theirs.tolist(), strict=True)}
    assert len(pairs) == len({*mine.tolist()}) == len({*theirs.tolist()}) == mine.max() + 1
