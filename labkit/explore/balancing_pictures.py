"""The figures of lesson 24: what was measured or simulated, beside what the formulas say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.datacenter.balancing.capacity import Scaled, Storm
from labkit.explore import figures
from labkit.explore.balancing import LOOKS

MARKS = dict(zip(LOOKS, "osD^v", strict=True))


def stale(times: Mapping[str, Sequence[float]], ages: Sequence[float]) -> None:
    """Show the mean time under each policy over the age of what it knows.

    Args:
        times: policy -> mean times in service times, one for each age.
        ages: service times between two reports.
    """
    fig, ax = plt.subplots()
    for policy, values in times.items():
        color, dashes = LOOKS[policy]
        ax.plot(ages, values, marker=MARKS[policy], color=color, linestyle=dashes, label=policy)
    ax.set(xlabel="service times between two reports", ylabel="mean time (service times)")
    ax.set(yscale="log", yticks=[1, 2, 5, 10, 20, 50])
    ax.set_yticklabels(["1", "2", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.legend(ncols=2)
    figures.show(fig, "Mean time of a request over the age of the reports (simulated).")


def intervals(
    means: Sequence[float], margins: Mapping[str, Sequence[float]], truth: float, held: Mapping
) -> None:
    """Show the mean of each run with its interval, one picture for each way to compute it.

    Args:
        means: of each run.
        margins: name of the way -> half the width of each run's interval.
        truth: the formula's mean.
        held: name -> how many intervals hold it.
    """
    fig, axes = plt.subplots(1, len(margins), figsize=(8, 3.2), sharey=True, sharex=True)
    for ax, (name, widths) in zip(axes, margins.items(), strict=True):
        inside = np.abs(np.subtract(means, truth)) <= widths
        for hit, color, mark in ((True, figures.BLUE, "o"), (False, figures.RED, "x")):
            runs = np.flatnonzero(inside == hit)
            values, bars = np.asarray(means)[runs], np.asarray(widths)[runs]
            ax.errorbar(runs + 1, values, bars, fmt=mark, color=color, capsize=2, linewidth=1.5)
        ax.axhline(truth, color=figures.ORANGE, linestyle="--")
        ax.set(title=f"{name}: {held[name]} of {len(means)}", xlabel="run")
    axes[0].set_ylabel("mean wait (service times)")
    told = "Mean wait in line of each run, with its 95 % interval (simulated). Dashed: Erlang C. "
    figures.show(fig, f"{told}Crosses: intervals that miss it.")


def staffing(
    loads: Sequence[float],
    needed: Mapping[str, Sequence[int]],
    rule: Sequence[float],
    late: Mapping[str, Sequence[tuple[float, float]]],
) -> None:
    """Show the servers beyond the load that each promise needs, and how often it is broken.

    Args:
        loads: in erlangs.
        needed: promise -> servers, one for each load.
        rule: servers by load + beta sqrt(load), for the first promise.
        late: promise -> share of the requests that waited longer, in a simulation, and its margin.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.3))
    looks = zip(needed, (figures.BLUE, figures.RED), "oD", (0.96, 1.04), strict=True)
    for name, color, mark, aside in looks:
        left.plot(loads, np.subtract(needed[name], loads), mark, color=color, label=name)
        values, bars = 100 * np.transpose(late[name])
        places = np.multiply(loads, aside)
        right.errorbar(places, values, bars, fmt=mark, color=color, capsize=2, linewidth=1.5)
    left.plot(loads, np.subtract(rule, loads), "--", color=figures.ORANGE, label="β √load")
    left.set(ylabel="servers beyond the load", ylim=(0, None))
    left.legend()
    right.axhline(1, color=figures.GRAY, linewidth=1.5, linestyle=":")
    right.set(ylabel="waited longer (%)", ylim=(0, None))
    for ax in (left, right):
        ax.set(xscale="log", xlabel="load (erlangs)")
        ax.set_xticks(loads, [f"{load:g}" for load in loads])
        ax.minorticks_off()
    told = "Left, modeled: servers beyond the load by Erlang C, and the rule of the square root. "
    figures.show(
        fig,
        f"{told}Right, simulated, with 95 % intervals: requests that waited longer than promised.",
    )


def real(rows: Mapping[str, Mapping]) -> None:
    """Show for each policy theory, the range that the simulator gives for the trace, and the dot.

    Args:
        rows: policy -> theory, low, high; mean, if it was measured; and thin, the low and high of
            another way to carry it out; all in milliseconds.
    """
    fig, ax = plt.subplots(figsize=(7.6, 3.4))
    for place, (policy, row) in enumerate(rows.items()):
        color, _ = LOOKS[policy]
        ax.plot([row["low"], row["high"]], [place, place], "-", color=color, lw=9, alpha=0.35)
        ax.plot(row["theory"], place, "|", color=figures.GRAY, markersize=22, markeredgewidth=2.5)
        if "thin" in row:
            ax.plot(row["thin"], [place + 0.25] * 2, "-", color=color, lw=4)
        if "mean" in row:
            ax.plot(row["mean"], place, "o", color=color, markersize=10)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    ax.set(xlabel="mean time of a request (ms)", xlim=(0, None))
    told = (
        "Bar: simulated, the same requests, 20 draws of the policy; thin: as Caddy 2.11.7 does it. "
    )
    told += "Stroke: formula, endless time, no cost. Dot: measured behind the real proxy, if it is "
    told += "installed."
    figures.show(fig, told)


def kills(found: Mapping[str, tuple[np.ndarray, np.ndarray]], at: float) -> None:
    """Show each request at its planned moment: answered, or failed.

    Args:
        found: setting -> planned seconds, and whether each was answered.
        at: seconds of the kill.
    """
    fig, ax = plt.subplots(figsize=(8.4, 3.2))
    for place, (planned, ok) in enumerate(found.values()):
        ax.plot(planned[ok], np.full(ok.sum(), place), "|", color=figures.BLUE, markersize=11)
        failed = planned[~ok]
        ax.plot(failed, np.full(len(failed), place), "x", color=figures.RED, mew=2, markersize=8)
    ax.axvline(at, color=figures.ORANGE, linestyle="--")
    names = [f"{name}: {int((~ok).sum())} failed" for name, (_, ok) in found.items()]
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.grid(False)
    ax.set(xlabel="planned moment of the request (s)")
    told = "Each stroke is a request that was answered, each cross one that failed. Dashed: one of "
    figures.show(fig, f"{told}the four replicas is killed.")


def storms(runs: Mapping[str, Storm], outage: tuple[float, float], back: Mapping) -> None:
    """Show answers and tries a second of each run.

    Args:
        runs: name -> the run.
        outage: its begin and end.
        back: name -> second at which the formula has the backlog worked off.
    """
    fig, axes = plt.subplots(1, len(runs), figsize=(9, 3.1), sharey=True)
    for ax, (name, run) in zip(axes, runs.items(), strict=True):
        for values, look, color, label in (
            (run.offered(2.0), "--", figures.ORANGE, "tries"),
            (run.goodput(2.0), "-", figures.BLUE, "answered in time"),
        ):
            ax.plot(np.arange(len(values)) * 2.0 + 1, values, look, color=color, label=label)
        ax.axvspan(*outage, color=figures.GRAY, alpha=0.25)
        if np.isfinite(back[name]):
            ax.axvline(back[name], color=figures.RED, linestyle=":")
        ax.set(title=name, xlabel="seconds")
    axes[0].set_ylabel("a second")
    axes[1].legend(loc="center right", fontsize=9)
    told = "Requests answered and tries sent, by the second (simulated). Gray: the outage. "
    figures.show(fig, f"{told}Dotted: when the formula has the backlog worked off.")


def crowds(runs: Mapping[float, Scaled], jump: float, longest: Mapping) -> None:
    """Show the waits of a crowd and the servers booked, for each target.

    Args:
        runs: target utilization -> the run.
        jump: second at which the crowd comes.
        longest: target -> longest wait by the formula.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.2), sharex=True)
    looks = zip(runs.items(), figures.COLORS, ("-", "--", "-.", ":"), strict=False)
    for (target, run), color, dashes in looks:
        left.plot(run.arrivals, run.waits, dashes, color=color, lw=1.5, label=f"target {target:g}")
        left.axhline(longest[target], color=color, linestyle=":", linewidth=1)
        right.step(run.times, run.servers, dashes, color=color, where="post")
    left.set(xlabel="seconds", ylabel="wait in line (s)", xlim=(jump - 20, jump + 120))
    left.legend()
    right.set(xlabel="seconds", ylabel="servers booked", ylim=(0, None))
    told = "Waits of a crowd that comes at once, and the servers booked for it (simulated). "
    figures.show(fig, f"{told}Dotted: the longest wait by the formula.")


def replicas(
    shares: Mapping[str, Sequence[float]], counts: Sequence[int], drawn: Mapping, least: float
) -> None:
    """Show the hours a year without service over the number of replicas.

    Args:
        shares: name -> share of the time without service, one for each count.
        counts: of replicas.
        drawn: name -> the same, from drawn failures.
        least: share below which so few were drawn that a dot would show luck.
    """
    fig, ax = plt.subplots(figsize=(7, 3.3))
    for (name, values), color, dashes in zip(
        shares.items(), figures.COLORS, ("-", "--", "-."), strict=False
    ):
        ax.plot(counts, np.array(values) * 8760, dashes, color=color, label=name)
        dots = np.where(np.array(drawn[name]) > least, drawn[name], np.nan) * 8760
        ax.plot(counts, dots, "o", color=color)
    ax.set(yscale="log", xlabel="replicas", ylabel="hours a year without service")
    ax.set_xticks(list(counts))
    ax.legend()
    figures.show(
        fig,
        "Hours a year in which no replica works. Lines: formula. Dots: drawn, where not too rare.",
    )
