"""Power laws: exact ones are found, noise is owned up to, and the best size is the best."""

import numpy as np
import pytest

from labkit.maths import power_law as p

TRUE = p.Surface(E=2.0, A=60.0, a=0.4, B=300.0, b=0.5)
N, D = np.repeat([1e4, 2e4, 4e4, 8e4], 4), np.tile([2e4, 4e4, 8e4, 16e4], 4)


def test_a_straight_line_through_logs_gives_the_law():
    sizes = np.array([3.0, 50.0, 700.0])
    A, a = p.log_slope(sizes, 5 * sizes**-0.3)
    assert (A, a) == (pytest.approx(5), pytest.approx(0.3))


def test_a_floor_is_found_and_leaves_logarithms():
    sizes = np.geomspace(1e3, 1e5, 5)
    assert p.fit_floor(sizes, 3 + 400 * sizes**-0.6) == pytest.approx(3, abs=0.01)
    assert p.fit_floor(sizes, np.arange(3.0, 8.0)) < 3
    assert p.fit_floor(sizes[:2], [4, 3]) == 0


def test_an_exact_surface_is_found_again():
    assert p.fit_surface(N, D, TRUE(N, D)) == pytest.approx(TRUE, rel=1e-2)


def test_no_other_exponents_of_a_fine_grid_fit_noisy_losses_better():
    losses = TRUE(N, D) + np.random.default_rng(0).normal(0, 0.02, N.size)
    found = p.fit_surface(N, D, losses)
    best = np.square(found(N, D) - losses).sum()
    for a in np.linspace(0.05, 1.5, 25):
        for b in np.linspace(0.05, 1.5, 25):
            X = np.column_stack([np.ones_like(N), N**-a, D**-b])
            solution, *_ = np.linalg.lstsq(X, losses, rcond=None)
            if (solution >= 0).all():
                assert np.square(X @ solution - losses).sum() >= best - 1e-9


@pytest.mark.parametrize("flop", [1e9, 1e12])
def test_the_best_size_is_the_lowest_point_of_its_budget(flop):
    sizes = np.geomspace(1e2, 1e8, 40001)
    lowest = sizes[TRUE(sizes, flop / 6 / sizes).argmin()]
    best_n, best_d = TRUE.compute_optimal(flop)
    assert best_n == pytest.approx(lowest, rel=2e-3)
    assert 6 * best_n * best_d == pytest.approx(flop)


def test_drawn_again_the_spread_holds_the_truth_and_grows_beyond_the_runs():
    losses = TRUE(N, D) + np.random.default_rng(1).normal(0, 0.01, N.size)
    drawn = p.bootstrap_surfaces(N, D, losses, repeats=30)
    assert len(drawn) == 30
    inside = [p.middle_95([float(s(size, 8e4)) for s in drawn]) for size in (3e4, 1e7)]
    assert inside[0][0] < TRUE(3e4, 8e4) < inside[0][1]
    assert np.ptp(inside[1]) > 3 * np.ptp(inside[0])


def test_what_cannot_be_fitted_is_named():
    with pytest.raises(ValueError, match="losses must be positive"):
        p.log_slope([1, 2], [1, 0])
    with pytest.raises(ValueError, match="one value only"):
        p.log_slope([2, 2], [1, 3])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        p.log_slope([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="got 5 runs"):
        p.fit_surface(N[:5], D[:5], N[:5])
