"""From rows to a served, watched model: one small program, the same for six fields.

    collect -> check -> clean -> split -> features -> train -> evaluate -> export -> serve
        -> monitor -> roll back, and back to collect

Many drawings put the features before the split. Here they follow it: what scales a column is
learned, and must not have seen the rows to test on.

Lesson: 28_one_pipeline_six_fields.

>>> outcome = run("speech")
>>> outcome.promised.accuracy > 0.8, outcome.version
(True, 'the model')
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.datacenter.lifecycle.checks import Finding, check, counters, sample, split
from labkit.datacenter.lifecycle.fields import Table, collect
from labkit.datacenter.network import Images, Network
from labkit.datacenter.serving import models
from labkit.datacenter.serving.served import Served, missing
from labkit.maths.intervals import batch_mean_interval, wilson_interval

STAGES = ("collect", "check", "clean", "split", "features", "train", "evaluate", "export", "serve")
STAGES += ("monitor", "roll back")
UNITS, EPOCHS, BATCH, RATE, MOMENTUM = 64, 40, 32, 0.02, 0.9
BATCHES = 20  # of rows in order, where the split goes by time
REPEATS = 500  # of the bootstrap

Ask = Callable[[np.ndarray], np.ndarray]


class Score(NamedTuple):
    """How many answers were right, between what bounds that lies, and what needs no model.

    Attributes:
        accuracy: share of right answers.
        low, high: 95% interval of it.
        baseline: share that the most common class of the training rows gets right.
        count: rows.
    """

    accuracy: float
    low: float
    high: float
    baseline: float
    count: int

    def __str__(self) -> str:
        return f"{self.accuracy:.1%} [{self.low:.1%}, {self.high:.1%}]"


class Outcome(NamedTuple):
    """What a run through all stages found.

    Attributes:
        findings: of all checks.
        promised: the score on the part of the archive that was kept for it.
        live: the score on what came later.
        alarm: what is wrong with the live score; empty where nothing is.
        version: what serves at the end.
        told: stage -> what happened, in words.
    """

    findings: list[Finding]
    promised: Score
    live: Score
    alarm: str
    version: str
    told: dict[str, str]


def run(
    field: str,
    trap: str | None = None,
    heed: bool = True,
    seed: int = 0,
    over_http: bool = False,
    splitter: Callable[[Table, int], tuple] = split,
) -> Outcome:
    """Run all stages on one field.

    Args:
        field: one of the six.
        trap: None, "own", or the name of one.
        heed: whether what the checks found is mended; False goes on as if nothing was.
        seed: of rows, split and weights.
        over_http: whether a server answers (it needs the extra `serve`), or this process.
        splitter: gives the rows to learn from and to test on.

    Raises:
        ValueError: no such field or trap.
    """
    archive, live = collect(field, trap, seed)
    told = {"collect": f"{len(archive.y):,} rows in the archive; {len(live.y):,} will come live"}
    findings = check(archive, *splitter(archive, seed), live)
    found = [each for each in findings if each.found]
    told["check"] = "; ".join(each.told for each in found) or "nothing found"
    if heed:
        archive, live = clean(archive, live, findings, seed)
    mended = "nothing was mended: " if found and not heed else ""
    told["clean"] = f"{mended}{len(archive.y):,} rows and {len(archive.columns)} columns are left"
    learn, judge = splitter(archive, seed)
    told["split"] = f"by {archive.plan}: {len(learn):,} to learn from, {len(judge):,} to test on"
    scale = features(archive.x[learn])
    told["features"] = "mean 0 and spread 1, as measured on the rows to learn from"
    weights = train(archive.rows(learn), scale, seed)
    told["train"] = f"{sum(each.size for each in weights):,} weights, {EPOCHS} epochs"
    common = int(np.bincount(archive.y[learn]).argmax())
    rows = archive.rows(judge)
    promised = evaluate(models.load(weights).run(rows.x), rows, common)
    told["evaluate"] = f"{promised}; the most common class gets {promised.baseline:.1%}"
    with tempfile.TemporaryDirectory(prefix="labkit_") as folder:
        file = export(weights, Path(folder) / "model.npz")
        told["export"] = f"{file.stat().st_size:,} bytes of plain numbers"
        with serve(file, over_http) as ask:
            answers = ask(live.x)
    where = "over HTTP" if over_http and not missing() else "in this process"
    told["serve"] = f"{len(answers):,} rows answered {where}"
    seen, alarm = monitor(answers, live, common, promised)
    told["monitor"] = f"live {seen}, baseline {seen.baseline:.1%}: {alarm or 'as promised'}"
    version = roll_back(alarm)
    told["roll back"] = f"{version} serves"
    return Outcome(findings, promised, seen, alarm, version, told)


def clean(
    table: Table, live: Table, findings: Sequence[Finding], seed: int = 0
) -> tuple[Table, Table]:
    """Return archive and live after what the checks found was mended.

    Args:
        table: the archive.
        live: rows to come: they lose the columns that the archive loses.
        findings: of the checks.
        seed: of the rows that go where a class is too common.
    """
    found = {each.check for each in findings if each.found}
    if "copies" in found:
        table = table.rows(np.sort(np.unique(table.x, axis=0, return_index=True)[1]))
    bad = counters(table) if "order" in found else set()
    bad |= set(table.known) if "future" in found else set()
    if "prevalence" in found:
        table = thin(table, sample(live).y, seed)
    plan = "groups" if "groups" in found else table.plan
    if "neighbors" in found and "order" not in found:  # a sorted file has lost its time
        plan = "time"
    return table.without(bad)._replace(plan=plan), live.without(bad)


def thin(table: Table, labels: np.ndarray, seed: int = 0) -> Table:
    """Return the most rows that have the class shares of these labels."""
    wanted = np.bincount(labels, minlength=len(table.classes)) + 0.5
    there = np.bincount(table.y, minlength=len(table.classes))
    keep = np.floor(wanted * (there / wanted)[wanted > 1].min()).astype(int)
    random, chosen = np.random.default_rng(seed), np.zeros(len(table.y), bool)
    for one, count in enumerate(np.minimum(keep, there)):
        chosen[random.permutation(np.flatnonzero(table.y == one))[:count]] = True
    return table.rows(chosen)


def features(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of each column of the rows to learn from, shapes (columns,)."""
    return x.mean(0), np.maximum(x.std(0), 1e-3)


def train(table: Table, scale: tuple[np.ndarray, np.ndarray], seed: int = 0) -> list[np.ndarray]:
    """Return the arrays [W, b, W, b] of a dense network that takes raw rows.

    The scale is folded into the first layer, so that whoever serves the file cannot forget it.
    """
    (mean, spread), random = scale, np.random.default_rng(seed)
    network = Network((table.x.shape[1], UNITS, len(table.classes)))
    rows = Images(((table.x - mean) / spread).astype(np.float32), table.y)
    w, speed = network.start(seed), 0.0
    for _ in range(EPOCHS):
        for batch in np.array_split(random.permutation(len(rows.y)), -(-len(rows.y) // BATCH)):
            speed = MOMENTUM * speed - RATE * network.gradient(w, rows.x[batch], rows.y[batch])
            w += speed
    (W, b), last = network.layers(w)
    return [W / spread[:, None], b - (mean / spread) @ W, *last]


def evaluate(answers: np.ndarray, table: Table, common: int) -> Score:
    """Return the score of answers, with an interval that knows which rows belong together.

    Rows alone: Wilson. Groups: whole ones are drawn again (bootstrap). Time: means of batches.

    Args:
        answers: one probability for each class, shape (n, classes).
        table: the rows that were asked.
        common: the class that the baseline always says.
    """
    right = (answers.argmax(1) == table.y).astype(float)
    if table.plan == "groups":
        bounds = grouped_interval(right, table.group)
    elif table.plan == "time":
        mean, margin = batch_mean_interval(right, BATCHES, warmup=0)
        bounds = max(mean - margin, 0.0), min(mean + margin, 1.0)
    else:
        bounds = wilson_interval(right.mean(), len(right))
    return Score(float(right.mean()), *bounds, float((table.y == common).mean()), len(right))


def grouped_interval(right: np.ndarray, group: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95% interval of a share whose rows come in groups: draw the groups again.

    Where all are right, no draw differs: then it is Wilson's interval of so many groups. With few
    groups it is a little narrow: of 28 to 160 groups of three, simulated, 90% to 94% of such
    intervals held the truth, and 75% to 89% of those that count each row.

    Args:
        right: 1 or 0, shape (n,).
        group: of each row, shape (n,).
        seed: of the draws.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993); groups as by Davison
    and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
    """
    number = np.unique(group, return_inverse=True)[1]
    hits, sizes = np.bincount(number, right), np.bincount(number)
    if right.min() == right.max():
        return wilson_interval(right[0], len(sizes))
    drawn = np.random.default_rng(seed).integers(len(sizes), size=(REPEATS, len(sizes)))
    shares = hits[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def export(weights: Sequence[np.ndarray], file: Path) -> Path:
    """Write the arrays into a file of plain numbers, which can hold no program."""
    np.savez(file, *(each.astype(np.float32) for each in weights))
    return file


@contextmanager
def serve(file: Path, over_http: bool = False) -> Iterator[Ask]:
    """Yield what answers rows: lesson 23's server in its own process, or a function here."""
    if not over_http or missing():
        yield models.load(file).run
        return
    with Served(file, max_batch=256, queue_limit=10_000) as server:
        yield lambda rows: np.concatenate(
            [server.predict(part) for part in np.array_split(rows, -(-len(rows) // 256))]
        )


def monitor(answers: np.ndarray, live: Table, common: int, promised: Score) -> tuple[Score, str]:
    """Return the live score, and what is wrong with it: all of its interval is too low."""
    seen = evaluate(answers, live, common)
    if seen.high < promised.low:
        return seen, "worse than promised"
    return seen, "worse than the baseline" if seen.high < seen.baseline else ""


def roll_back(alarm: str, previous: str = "the most common class") -> str:
    """Return which version serves from now on."""
    return previous if alarm else "the model"
