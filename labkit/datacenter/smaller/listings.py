"""The install commands of the source articles, resolved: what they would install, and where.

`pip install tensorflow` names no version, so that Python and the day choose it. What the public
package index answered stands in `listings.csv`, with its day: 64-bit Linux on x86, each Python from
3.6 to 3.14. `scripts/resolve_listings.py` asks it again; here nothing needs a network.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOUND = Path(__file__).with_name("listings.csv")


class Listing(NamedTuple):
    """An environment of an article: what it says, in words of a command, and for which Pythons."""

    says: str
    command: str
    oldest: str
    newest: str | None = None  # None: the newest that the index was asked about


LISTINGS = {
    "A1-ENV-01": Listing("pip install tensorflow", "tensorflow", "3.6"),
    "A2-ENV-01": Listing("Python 3.8.10, pip install tensorflow", "tensorflow", "3.8", "3.8"),
    # Its Python is quoted from Anaconda's release notes: 3.9 from 2021.11 to 2022.10.
    "A2-ENV-02": Listing("Anaconda 2022.05", "tensorflow", "3.9", "3.9"),
    "B2-ENV-01": Listing(
        "pip install torch torchvision torchaudio", "torch torchvision torchaudio", "3.6"
    ),
    "D1-ENV-01": Listing("Python 3.6+, pip install tensorflow", "tensorflow", "3.6"),
    "E-ENV-01": Listing("Python 3.7+, TensorFlow, NumPy, PIL", "tensorflow numpy PIL", "3.7"),
}


class Install(NamedTuple):
    """What a command would install on a Python.

    Attributes:
        command: the packages that are asked for, as one would type them.
        python: "3.11".
        versions: package -> version of those that were asked for; empty where it fails.
        released: the day on which the first of them was published, "2026-03-06".
        packages: how many are installed in all.
        size_in_bytes: of all files to download; they take more once they are unpacked.
        failure: why nothing is installed; empty where it works.
        resolved: the day on which the index was asked.
    """

    command: str
    python: str
    versions: dict[str, str]
    released: str
    packages: int
    size_in_bytes: int
    failure: str
    resolved: str


def listing(id: str) -> list[Install]:
    """Return what an article's environment installs, the oldest Python that it allows first.

    Args:
        id: of the row in the ledger of claims.

    Raises:
        ValueError: a row that is no environment.

    Lesson: 23_serving.

    >>> [(found.python, found.versions) for found in listing("A2-ENV-01")]
    [('3.8', {'tensorflow': '2.13.1'})]
    """
    if id not in LISTINGS:
        raise ValueError(f"an environment is one of {', '.join(LISTINGS)}. Received: {id!r}")
    wanted = LISTINGS[id]
    found = installs(wanted.command)
    first, last = _order(wanted.oldest), _order(wanted.newest or found[-1].python)
    return [each for each in found if first <= _order(each.python) <= last]


@cache
def installs(command: str) -> list[Install]:
    """Return what a command installs on each Python, the oldest first.

    Args:
        command: packages with spaces between, as in `LISTINGS`; also "tensorflow numpy pillow",
            PIL under the name by which it can be installed.

    Raises:
        ValueError: a command that the index was not asked about.

    >>> {found.python: found.failure for found in installs("tensorflow numpy PIL")}["3.11"]
    'pil was not found in the package registry'
    """
    with FOUND.open(encoding="utf-8", newline="") as file:
        found = {}
        for row in csv.DictReader(file):
            found.setdefault(row["command"], {}).setdefault(row["python"], []).append(row)
    if command not in found:
        raise ValueError(f"a command is one of {', '.join(found)}. Received: {command!r}")
    return [_install(rows) for rows in found[command].values()]


def _install(rows: list[dict[str, str]]) -> Install:
    first = rows[0]
    return Install(
        command=first["command"],
        python=first["python"],
        versions={row["package"]: row["version"] for row in rows if row["package"]},
        released=first["released"],
        packages=int(first["packages"] or 0),
        size_in_bytes=int(first["size_in_bytes"] or 0),
        failure=first["failure"],
        resolved=first["resolved"],
    )


def versions(id: str) -> list[str]:
    """Return the different versions of the first package that an article's environment leads to.

    >>> versions("A1-ENV-01")
    ['2.6.2', '2.11.0', '2.13.1', '2.20.0', '2.21.0', '2.22.0rc0']
    """
    found = [next(iter(each.versions.values())) for each in listing(id) if each.versions]
    return list(dict.fromkeys(found))


def _order(python: str) -> tuple[int, ...]:
    return tuple(map(int, python.split(".")))
