"""Power laws: how a loss falls with size and data, fitted, with intervals, and extrapolated.

Lesson: 16_language_models.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


def log_slope(sizes: ArrayLike, losses: ArrayLike) -> tuple[float, float]:
    """Return (A, a) of the power law A / sizes**a that is nearest in the logarithms.

    Args:
        sizes: positive numbers, shape (n,), at least two different ones.
        losses: positive numbers, shape (n,).

    Raises:
        ValueError: numbers that have no logarithm, other shapes, or one size only.

    >>> A, a = log_slope([1, 10, 100], [8, 4, 2])
    >>> round(A, 6), round(a, 6)
    (8.0, 0.30103)
    """
    sizes, losses = _positive(sizes=sizes, losses=losses)
    slope, start = np.polyfit(np.log(sizes), np.log(losses), 1)
    return float(np.exp(start)), float(-slope)


EXPONENTS = np.geomspace(0.02, 2, 16)  # that `fit_surface` tries first


def fit_floor(sizes: ArrayLike, losses: ArrayLike) -> float:
    """Return E of the law E + A / sizes**a that is nearest to losses: least squares.

    Two sizes cannot tell a floor from a slope: 0 then. It stays at most 0.98 of the lowest loss,
    so that what lies above it has a logarithm.

    Args:
        sizes: positive numbers, shape (n,), at least two different ones.
        losses: positive numbers, shape (n,).

    Raises:
        ValueError: as `log_slope`.

    >>> sizes = np.array([1e4, 2e4, 4e4, 8e4])
    >>> round(fit_floor(sizes, 2 + 100 / sizes**0.5), 2)
    2.0
    """
    from scipy.optimize import nnls

    sizes, losses = _positive(sizes=sizes, losses=losses)
    if len({*sizes}) < 3:
        return 0.0
    parts, one = sizes / _middle(sizes), np.ones_like(sizes)
    exponents = np.geomspace(EXPONENTS[0], EXPONENTS[-1], 400)
    fits = [nnls(np.column_stack([one, parts**-a]), losses) for a in exponents]
    (E, _), _ = min(fits, key=lambda fit: fit[1])
    return float(min(E, 0.98 * losses.min()))


class Surface(NamedTuple):
    """The loss over parameters N and tokens D: E + A / N**a + B / D**b.

    Attributes:
        E: nats a token that no size and no data would save.
        A, a: what is lost by few parameters.
        B, b: what is lost by few tokens.
    """

    E: float
    A: float
    a: float
    B: float
    b: float

    def __call__(self, N: ArrayLike, D: ArrayLike) -> np.ndarray:
        """Return the loss, in nats a token, of N parameters after D tokens."""
        N, D = np.asarray(N, float), np.asarray(D, float)
        return self.E + self.A / N**self.a + self.B / D**self.b

    def compute_optimal(self, flop: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return parameters and tokens of the lowest loss with flop = 6 N D.

        Source: Hoffmann and others, Training compute-optimal large language models (2022), eq. 4.

        >>> N, D = Surface(E=1.0, A=100.0, a=0.5, B=100.0, b=0.5).compute_optimal(6e6)
        >>> float(N), float(D)
        (1000.0, 1000.0)
        """
        product = np.asarray(flop, float) / 6
        ratio = (self.a * self.A / (self.b * self.B)) ** (1 / (self.a + self.b))
        N = ratio * product ** (self.b / (self.a + self.b))
        return N, product / N


def fit_surface(N: ArrayLike, D: ArrayLike, losses: ArrayLike) -> Surface:
    """Return the surface that is nearest to measured losses: least squares in nats.

    For given exponents, E, A and B follow from linear least squares, none of them negative. So
    only the two exponents are sought, first on a grid from 0.02 to 2, then closer.

    Args:
        N: parameters, shape (n,).
        D: tokens trained on, shape (n,).
        losses: nats a token, shape (n,).

    Raises:
        ValueError: fewer than six runs, numbers that are not positive, one size or one number of
            tokens only, or other shapes.

    Source: the form is that of Hoffmann and others, Training compute-optimal large language models
    (2022), section 3.3; Golub and Pereyra (1973) split linear from other parameters like this.

    >>> N, D = np.repeat([1e4, 3e4, 1e5], 3), np.tile([1e5, 3e5, 1e6], 3)
    >>> true = Surface(E=1.5, A=400.0, a=0.5, B=60.0, b=0.3)
    >>> found = fit_surface(N, D, true(N, D))
    >>> round(found.a, 3), round(found.b, 3)
    (0.5, 0.3)
    """
    from scipy.optimize import minimize, nnls

    N, D, losses = _positive(N=N, D=D, losses=losses)
    if len(losses) < 6 or min(len({*N}), len({*D})) < 2:
        raise ValueError(
            f"five numbers are sought: fit at least six runs, of two sizes and two numbers of "
            f"tokens or more; got {len(losses)} runs, {len({*N})} sizes and {len({*D})} numbers"
        )
    # Around the middle of the runs, so that all columns are of the size of 1.
    n, d = N / _middle(N), D / _middle(D)

    def solved(exponents: np.ndarray) -> tuple[np.ndarray, float]:
        a, b = exponents
        return nnls(np.column_stack([np.ones_like(n), n**-a, d**-b]), losses)

    grid = [(a, b) for a in EXPONENTS for b in EXPONENTS]
    first = min(grid, key=lambda exponents: solved(exponents)[1])
    least, most = EXPONENTS[[0, -1]]
    closer = minimize(
        lambda logs: solved(np.exp(logs))[1],
        np.log(first),
        method="Nelder-Mead",
        bounds=[(np.log(least), np.log(most))] * 2,
        options={"xatol": 1e-5, "fatol": 1e-9},
    )
    a, b = map(float, np.exp(closer.x))
    (E, A, B), _ = solved((a, b))
    return Surface(float(E), float(A * _middle(N) ** a), a, float(B * _middle(D) ** b), b)


def bootstrap_surfaces(
    N: ArrayLike, D: ArrayLike, losses: ArrayLike, repeats: int = 100, seed: int = 0
) -> list[Surface]:
    """Return surfaces fitted to runs drawn again with replacement: how far luck moves the fit.

    Args:
        N, D, losses: as in `fit_surface`.
        repeats: draws; each has at least six different runs, three sizes and three numbers of
            tokens among them.
        seed: of the draws.

    Source: Efron, Bootstrap methods: another look at the jackknife (1979).
    """
    N, D, losses = _positive(N=N, D=D, losses=losses)
    random, found = np.random.default_rng(seed), []
    needed = min(3, len(set(N))), min(3, len(set(D)))
    for _ in range(100 * repeats):
        if len(found) == repeats:
            break
        draw = random.integers(len(N), size=len(N))
        kinds = len({*N[draw]}), len({*D[draw]})
        if len({*draw}) >= 6 and all(k >= least for k, least in zip(kinds, needed, strict=True)):
            found.append(fit_surface(N[draw], D[draw], losses[draw]))
    return found


def middle_95(values: ArrayLike) -> tuple[float, float]:
    """Return the ends of the middle 95 % of values, shape (n,).

    >>> middle_95(range(201))
    (5.0, 195.0)
    """
    low, high = np.quantile(np.asarray(values, float), [0.025, 0.975])
    return float(low), float(high)


def _middle(values: np.ndarray) -> float:
    return float(np.exp(np.log(values).mean()))


def _positive(**named: ArrayLike) -> tuple[np.ndarray, ...]:
    """Return arrays of one length, shape (n,), of positive numbers."""
    arrays = {name: np.asarray(value, float) for name, value in named.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len({*shapes.values()}) != 1 or len(next(iter(shapes.values()))) != 1:
        raise ValueError(f"one number for each run is needed, shape (n,); got {shapes}")
    for name, array in arrays.items():
        wrong = array[~((array > 0) & np.isfinite(array))]
        if len(wrong):
            raise ValueError(
                f"{name} must be positive numbers, for their logarithm; got {wrong[0]}"
            )
    if len({*next(iter(arrays.values()))}) < 2:
        raise ValueError(f"{next(iter(arrays))} has one value only: give at least two")
    return tuple(arrays.values())
