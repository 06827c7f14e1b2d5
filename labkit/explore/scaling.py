"""Figure of lesson 21: what more machines bring, and what the same work then costs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labkit.datacenter import scaling
from labkit.datacenter.links import Link
from labkit.explore import figures

LOOKS = {"strong": (figures.BLUE, "-", "o"), "weak": (figures.ORANGE, "--", "s")}


def curves(
    work: float, size_in_bytes: float, link: Link, sizes: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return modeled speed-ups, and machine-hours for the work that takes one machine an hour.

    Args:
        work, size_in_bytes, link, kind: as `scaling.step_seconds` takes them.
        sizes: numbers of machines.
    """
    seconds = [scaling.step_seconds(n, work, size_in_bytes, link, kind=kind) for n in sizes]
    gains = np.array(
        [scaling.speed_up(n, work, s, kind) for n, s in zip(sizes, seconds, strict=True)]
    )
    return gains, scaling.device_hours(sizes, gains)


def more_machines(
    work: float,
    size_in_bytes: float,
    link: Link,
    measured: Mapping[str, Mapping[int, float]],
    most: int = 64,
) -> None:
    """Show speed-up and machine-hours over the number of machines: lines modeled, dots measured.

    Args:
        work, size_in_bytes, link: as `scaling.step_seconds` takes them.
        measured: "strong" and/or "weak" -> what `scaling.measure` returned.
        most: the largest number of machines.
    """
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    sizes = np.arange(1, most + 1)
    left.plot(sizes, sizes, ":", color=figures.GRAY, label="N times as much")
    for kind, (color, dashes, marker) in LOOKS.items():
        gains, hours = curves(work, size_in_bytes, link, sizes, kind)
        left.plot(sizes, gains, dashes, color=color, label=f"{kind}: modeled")
        right.plot(sizes, hours, dashes, color=color)
        if dots := measured.get(kind):
            one, tried = dots[min(dots)], np.array(list(dots))
            found = np.array([scaling.speed_up(n, one, dots[n], kind) for n in tried])
            left.plot(tried, found, marker, color=color, label=f"{kind}: measured")
            right.plot(tried, scaling.device_hours(tried, found), marker, color=color)
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set_xlabel("machines N")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:g}")
    left.set(ylabel="speed-up", ylim=(0.5, most))
    right.set(ylabel="machine-hours, same work", ylim=(0.8, None))
    left.legend(loc="upper left", fontsize=9)
    figures.show(fig, caption(work, measured))


def caption(work: float, measured: Mapping[str, Mapping[int, float]]) -> str:
    """Return what the figure shows, and what of it was measured how."""
    most = max((max(dots) for dots in measured.values()), default=0)
    told = (
        "What N machines do in the time of one (left), and what the same work then costs (right). "
        "Strong scaling (blue) shares one batch, weak scaling (orange) gives each machine a batch "
        "of its own. Lines are modeled: work / N, or work, and a ring. "
    )
    if not most:
        return told + "Nothing was measured."
    return told + (
        f"Dots are measured with up to {most} processes, their messages real and slowed, their "
        f"work emulated: one machine sleeps {work:g} s in a step."
    )
