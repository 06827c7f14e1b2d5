"""A results folder as a large sweep leaves it, for tests and benchmarks of reading results."""

import hashlib
import json
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

OPTIMIZERS = {"sgd": 0.05, "momentum": 0.01, "adam": 0.002}  # each with its best learning rate
CAUSES = {
    "timeout": "not done within 60 s",
    "memory": "the kernel used 2100 MB; the limit of a run is 2000 MB",
    "cell error": "ValueError: the loss is nan after epoch 3",
}
ENVIRONMENT = {
    "mode": "headless",
    "labkit": "0.1.0",
    "code": "0123456789ab",
    "device": "CPU, 2 cores",
    "backend": "tensorflow",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "keras": "3.15.0",
    "tensorflow": "2.21.0",
}


def write_runs(top: Path, count: int, *, repeats=3, epochs=12, failures=0.02, seed=0, notebooks=0):
    """Write `count` runs of a lesson "12" below `top`, as labkit.lab.runs.runner leaves them.

    Args:
        repeats: runs with the same parameters but the seed.
        epochs: points in each of the two curves of a run.
        failures: share of the runs that failed.
        notebooks: how many of the first runs have an executed notebook, too.
    """
    rng = random.Random(seed)
    place = Path(top) / "12_trial"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    settings = {}
    for number in range(count):
        if number % repeats == 0:
            settings = draw_parameters(rng)
        parameters = settings | {"seed": number % repeats}
        entry = make_entry(rng, parameters, start + timedelta(seconds=7 * number), epochs)
        if rng.random() < failures:
            fail(rng, entry)
        suffix = "" if entry["status"] == "finished" else ".failed"
        folder = place / (entry["run_id"] + suffix)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(entry, indent=1, ensure_ascii=False)
        (folder / "record.json").write_text(text, encoding="utf-8")
        if number < notebooks:
            (folder / "notebook.ipynb").write_text(json.dumps(notebook(entry)), encoding="utf-8")


def draw_parameters(rng) -> dict:
    """Parameters of one point of the sweep: numbers, choices, a truth value, a list."""
    return {
        "learning_rate": rng.choice([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]),
        "optimizer": rng.choice(list(OPTIMIZERS)),
        "dropout": round(rng.uniform(0, 0.6), 3),
        "batch_size": rng.choice([16, 32, 64, 128]),
        "augment": rng.random() < 0.5,
        "units": rng.choice([[32, 64], [64, 64], [64, 128]]),
        "epochs": 12,
    }


def make_entry(rng, parameters: dict, started: datetime, epochs: int) -> dict:
    """A finished run; its accuracy depends on its parameters, and a little on chance."""
    best = OPTIMIZERS[parameters["optimizer"]]
    off = math.log10(parameters["learning_rate"] / best)
    quality = 0.97 - 0.05 * off**2 - 0.2 * (parameters["dropout"] - 0.25) ** 2
    quality += 0.006 * parameters["augment"] + rng.gauss(0, 0.006)
    accuracy = min(0.995, max(0.1, quality))
    steps = list(range(1, epochs + 1))
    rise = [1 - math.exp(-s / 3) for s in steps]
    curve = [round(0.1 + (accuracy - 0.1) * r + rng.gauss(0, 0.004), 5) for r in rise]
    loss = [round(2.3 * (1 - r) + (1 - accuracy) * 3 * r + 0.01, 5) for r in rise]
    seconds = 4 + 200 / parameters["batch_size"] + rng.random()
    identity = hashlib.sha256(
        json.dumps(parameters, sort_keys=True).encode() + str(started).encode()
    )
    return {
        "schema": 2,
        "lesson": "12",
        "title": "Trial",
        "run_id": identity.hexdigest()[:12],
        "status": "finished",
        "started": started.isoformat(timespec="milliseconds"),
        "seconds": round(seconds, 3),
        "attempt": 1,
        "parameters": parameters,
        "results": {
            "accuracy": round(accuracy, 5),
            "loss": loss[-1],
            "seconds_per_epoch": round(seconds / epochs, 4),
            "size_in_bytes": 4 * sum(a * 10 for a in parameters["units"]),
        },
        "curves": {
            "accuracy": {"step": [*steps], "value": curve},
            "loss": {"step": [*steps], "value": loss},
        },
        "expectations": [],
        "error": None,
        "environment": ENVIRONMENT | {"peak_memory_mb": rng.randrange(300, 420)},
        "process": {"host": "node", "pid": 1234, "created": 1.0},
    }


def fail(rng, entry: dict) -> None:
    """Turn a finished run into one that failed half-way."""
    cause = rng.choice(list(CAUSES))
    message = f"lesson 12, cell 9 of 20 [train] `history = fit(model)`: {CAUSES[cause]}"
    entry |= {
        "status": "failed",
        "results": {},
        "error": {"kind": cause, "message": message, "cell": "train"},
    }
    for curve in entry["curves"].values():
        for values in curve.values():
            del values[len(values) // 2 :]


def notebook(entry: dict) -> dict:
    """An executed notebook, small."""
    cell = {"id": "train", "cell_type": "code", "source": "fit()", "metadata": {}, "outputs": []}
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def write_point(top, number, *, status="finished", parameters=None, results=None):
    """Write one run of a lesson "98", begun `number` seconds after the first."""
    started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    entry = {
        "schema": 2,
        "lesson": "98",
        "run_id": f"{number:06x}",
        "status": status,
        "started": started.isoformat(timespec="milliseconds"),
        "seconds": 1.0,
        "parameters": parameters or {},
        "results": results or {},
        "error": {"kind": "expectation", "message": "too low"} if status == "failed" else None,
        "process": {"host": "elsewhere", "pid": 1, "created": 0.0},
    }
    folder = Path(top, "98_trial", entry["run_id"])
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(entry), encoding="utf-8")


def write_repeats(top, scores, result="accuracy"):
    """Write runs of settings: {rate: [score of seed 0, of seed 1, ...]}; None is a failed run."""
    points = [(rate, *each) for rate, values in scores.items() for each in enumerate(values)]
    for number, (rate, seed, score) in enumerate(points):
        content = {"status": "failed"} if score is None else {"results": {result: score}}
        write_point(top, number, parameters={"rate": rate, "seed": seed}, **content)
