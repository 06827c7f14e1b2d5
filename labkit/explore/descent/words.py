"""One walk down a surface, in numbers and in words; js/descent/words.js says the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.explore.descent.surfaces import describe_surface
from labkit.explore.kit.copying import short
from labkit.maths.descent import SURFACES, descend, diverged

TOLERANCE = 1e-6  # closer to a minimum than this counts as arrived
FAR = 0.01  # a point without a slope that is farther away from a minimum than this is none


def stable_rate(curvature: float, optimizer: str, momentum: float) -> float | None:
    """Return the largest stable learning rate on a quadratic; None where theory has none.

    Args:
        curvature: the largest second derivative, above 0.
        optimizer: a name in `OPTIMIZERS`. The adaptive ones divide by the size of the gradient,
            so that no rate is a limit for them.
        momentum: share of the velocity kept from step to step, in [0, 1).

    Source: roots of the characteristic polynomial of the update inside the unit circle.

    >>> stable_rate(8, "sgd", 0.9)
    0.25
    >>> stable_rate(8, "momentum", 0.5)
    0.375
    """
    if optimizer == "sgd":
        return 2 / curvature
    if optimizer == "momentum":
        return 2 * (1 + momentum) / curvature
    if optimizer == "nesterov":
        return 2 * (1 + momentum) / ((1 + 2 * momentum) * curvature)
    return None


def explain(params: Mapping[str, Any], theory: bool = True) -> dict[str, Any]:
    """Walk down once and say what happened.

    Args:
        params: surface, optimizer, learning_rate, steps, momentum, start_x and start_y.
        theory: whether the text names the largest stable rate.

    Returns:
        dict with path, shape (n + 1, 2); losses, shape (n + 1,); gradients, shape (n + 1, 2);
        verdict, a few words; limit, the largest stable rate or None; text, one sentence.

    >>> start = {"start_x": 0.0, "start_y": 0.0, "momentum": 0.9}
    >>> run = explain({"surface": "article", "optimizer": "sgd", "learning_rate": 0.1, "steps": 20}
    ...               | start)
    >>> run["verdict"], run["path"][:3, 0].round(6).tolist()
    ('converges', [0.0, 0.4, 0.48])
    """
    info, surface = describe_surface(params["surface"]), SURFACES[params["surface"]]
    path = descend(
        surface,
        params["optimizer"],
        params["learning_rate"],
        params["steps"],
        start=(params["start_x"], params["start_y"]),
        momentum=params["momentum"],
    )
    run = {"path": path, "losses": surface.value(path), "gradients": surface.gradient(path)}
    limit, own = _limits(params, info, run["gradients"][0])
    verdict, headline, detail = _judge(params, info, run, own)
    text = (
        f"{name_of(params)} on the {params['surface']} surface, learning rate "
        f"{short(params['learning_rate'])}, {_steps(len(path) - 1)}: {headline}{detail}."
    )
    text += _theory(limit, own, info) if theory else ""
    return run | {"verdict": verdict, "limit": limit, "text": text}


def name_of(params: Mapping[str, Any]) -> str:
    """Return the optimizer with its momentum, where it has one."""
    name = params["optimizer"]
    return f"{name} ({short(params['momentum'])})" if name in ("momentum", "nesterov") else name


def _steps(n: int) -> str:
    return f"{n} step{'s' * (n != 1)}"


def _limits(
    params: Mapping[str, Any], info: Mapping[str, Any], slope: np.ndarray
) -> tuple[float | None, float | None]:
    """Return the largest stable rate, and that of a walk that starts with this gradient.

    A weight that starts at its best stays there: then its curvature limits nothing.
    """
    kind = params["optimizer"], params["momentum"]
    limit = stable_rate(info["curvature"], *kind)
    moving = [c for c, part in zip(info["curvatures"], slope, strict=False) if part != 0]
    return limit, stable_rate(max(moving), *kind) if moving else limit


def _theory(limit: float | None, own: float | None, info: Mapping[str, Any]) -> str:
    if limit is None:
        return ""
    where = "near the minimum, " if info["local"] else ""
    here = f", and below {short(own)} as long as w2 is exactly 0" if own > limit else ""
    return f" Theory: {where}stable below {short(limit)}{here}."


def _judge(
    params: Mapping[str, Any], info: Mapping[str, Any], run: Mapping[str, Any], limit: float | None
) -> tuple[str, str, str]:
    """Return the verdict on a run, its headline, and what to add."""
    path, losses = run["path"], run["losses"]
    n = len(path) - 1
    if n < params["steps"] or diverged(path):
        detail = ": the steps grow until a weight passes 1,000,000"
        return "diverges", f"diverged at step {n}", detail
    if n == 0:
        return "start", "at the start", ""
    distance = _distance(info, path)
    arrived = _settled(distance)
    if arrived is not None:
        return "converges", f"converged in {_steps(arrived)}", ", |w - w*| < 1e-6"
    first, last = short(losses[0]), short(losses[n])
    if losses[n] > losses[0] + 1e-9 * abs(losses[0]):  # memory may lift J for a while
        if not info["local"] and limit is not None and params["learning_rate"] > limit:
            return "diverges", "diverging", f": J grew from {first} to {last}"
        return "higher", "higher than at the start", f": J went from {first} to {last}"
    if np.hypot(*run["gradients"][n]) < TOLERANCE and distance[n] > FAR:
        return "gets stuck", "stuck", ": the gradient is 0 here, and this is no minimum"
    return _progress(info, path, distance, f": J fell from {first} to {last}")


def _progress(
    info: Mapping[str, Any], path: np.ndarray, distance: np.ndarray, fell: str
) -> tuple[str, str, str]:
    """Judge how far a walk has come that neither arrived nor grew."""
    n = len(path) - 1
    left = f" (|w - w*| = {short(distance[n])})"
    half = n - 2 * max(1, n // 4)  # an even number of steps ago: on the same side of the minimum
    if _reversals(info, path) >= 0.5 and distance[n] > 0.5 * distance[half]:
        closer = _closer(distance[half], distance[n], half)
        return "oscillates", "oscillates", f": it jumps to and fro and {closer}{left}"
    if 0.5 * distance[0] < distance[n] <= distance[0]:
        percent = math.floor(100 * distance[n] / distance[0] + 0.5)
        return "crawls", "crawls", f": {percent} % of the way is left{left}"
    return "on its way", "on its way", fell + left


def _closer(before: float, now: float, step: int) -> str:
    if now > before * (1 - 1e-9):
        return "comes no closer"
    if short(now) == short(before):
        return "comes hardly closer"
    return f"comes closer slowly, from {short(before)} at step {step}"


def _seen(info: Mapping[str, Any], path: np.ndarray) -> np.ndarray:
    """Return the weights that play a part: on a curve the second one does not."""
    return path[..., :1] if info["flat"] else path


def _distance(info: Mapping[str, Any], path: np.ndarray) -> np.ndarray:
    """Return the distance to the nearest minimum after each step, shape (n + 1,)."""
    minima = np.array(info["minima"])[:, None]
    return np.linalg.norm(_seen(info, path - minima), axis=-1).min(axis=0)


def _settled(distance: np.ndarray) -> int | None:
    """Return the first step from which on the distance stays below TOLERANCE, None if never."""
    away = np.flatnonzero(~(distance < TOLERANCE))
    first = int(away[-1]) + 1 if away.size else 0
    return first if first < len(distance) else None


def _reversals(info: Mapping[str, Any], path: np.ndarray) -> float:
    """Return the share of the last ten moves that turn back against the move before."""
    moves = np.diff(_seen(info, path[-12:]), axis=0)
    if len(moves) < 2:
        return 0.0
    return float(np.mean(np.sum(moves[1:] * moves[:-1], axis=1) < 0))
