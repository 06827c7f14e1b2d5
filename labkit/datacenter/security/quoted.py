"""What others say, quoted: advisories on model files, and what regulations ask. Nothing measured.

No number that no regulation has stands here. What could not be found says so, and how far a text
was read. This is no legal advice.

>>> [each.number for each in advisories("onnx")]
['CVE-2022-25882', 'CVE-2024-27318', 'CVE-2026-27489']
>>> {each.number for each in regulations()} >= {"none"}
True

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Advisory(NamedTuple):
    """A hole that model files have used, with a number.

    Attributes:
        number: of the CVE program.
        package: keras or onnx.
        published: date, empty if not found.
        what: a file could do.
        closed_in: first version without it, as the source says; empty if not found.
        source: who says so, and where sources differ.
        tried: what came of trying `labkit.datacenter.security.bypasses` with older versions of
            Keras on TensorFlow 2.21: measured once, not by the lesson. Empty: not tried.
    """

    number: str
    package: str
    published: str
    what: str
    closed_in: str
    source: str
    tried: str


class Regulation(NamedTuple):
    """What one article asks of who processes data or builds models.

    Attributes:
        rule: its short name.
        where: it applies.
        binding: law or guidance.
        article: of the rule.
        asks: in short, not its words.
        number: of epsilon, risk or accuracy that it demands.
        applies_from: date.
        source: its official name.
        checked: how far its text was read for this table.
    """

    rule: str
    where: str
    binding: str
    article: str
    asks: str
    number: str
    applies_from: str
    source: str
    checked: str


def advisories(package: str = "keras") -> list[Advisory]:
    """Return the known holes of a package's model files, in the order of the table.

    Args:
        package: keras or onnx.

    Raises:
        ValueError: another package.
    """
    found = [Advisory(**row) for row in _rows("advisories.csv")]
    if package not in (known := sorted({each.package for each in found})):
        raise ValueError(f"there are advisories for {' and '.join(known)}. Received: {package!r}")
    return [each for each in found if each.package == package]


def regulations() -> list[Regulation]:
    """Return what regulations ask."""
    return [Regulation(**row) for row in _rows("regulations.csv")]


def _rows(name: str) -> list[dict[str, str]]:
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
