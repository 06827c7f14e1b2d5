"""Drawings of pipelines as graphs: what leads where, what is an end, what comes back.

The articles draw their pipelines in mermaid. Retold here are not the drawings but the facts that
the ledger keeps of them: how many boxes and arrows, which boxes are ends, and what leads to what.
A box that the ledger does not name is a "step".

Lesson: 28_one_pipeline_six_fields.

>>> edges = parse("graph LR; A[collect] --> B{good?}; B -->|no| A; B --> C(serve)")
>>> edges
[('collect', 'good?'), ('good?', 'collect'), ('good?', 'serve')]
>>> has_cycle(edges), ends(edges)
(True, ['serve'])
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from labkit.datacenter.lifecycle.stages import STAGES

Edges = list[tuple[str, str]]

_BOX = r"(\w+)\s*(?:\[([^\]]*)\]|\(([^)]*)\)|\{([^}]*)\})?"
_ARROW = r"\s*(?:-->|---)\s*(?:\|[^|]*\|)?\s*"


def parse(text: str) -> Edges:
    """Return the arrows of a mermaid flowchart, from name to name.

    Args:
        text: lines (or parts between ;) such as `A[collect] --> B{good?} -->|yes| C(serve)`.

    Raises:
        ValueError: a line that is no box, no arrows, and no heading.
    """
    names: dict[str, str] = {}
    edges = []
    for line in (each.strip() for each in re.split(r"[;\n]", text)):
        if not line or re.match(r"(graph|flowchart)\b|%%", line):
            continue
        if not re.fullmatch(f"{_BOX}({_ARROW}{_BOX})*", line):
            raise ValueError(f"this is no arrow such as A[collect] --> B[check]: {line!r}")
        boxes = [re.fullmatch(_BOX, part) for part in re.split(_ARROW, line)]
        for key, *told in (box.groups() for box in boxes):
            names[key] = next(filter(None, told), names.get(key, key))
        keys = [box[1] for box in boxes]
        edges += pairwise(keys)
    return [(names[a], names[b]) for a, b in edges]


def boxes(edges: Edges) -> list[str]:
    """Return all boxes, in the order in which they are named."""
    return list(dict.fromkeys(box for edge in edges for box in edge))


def ends(edges: Edges) -> list[str]:
    """Return the boxes that lead nowhere."""
    starts = {a for a, _ in edges}
    return [box for box in boxes(edges) if box not in starts]


def reached(edges: Edges, start: str) -> set[str]:
    """Return the boxes that arrows lead to from a box; itself, if they come back to it.

    >>> sorted(reached([("a", "b"), ("b", "c")], "a"))
    ['b', 'c']
    """
    found: set[str] = set()
    new = {b for a, b in edges if a == start}
    while new - found:
        found |= new
        new = {b for a, b in edges if a in found}
    return found


def has_cycle(edges: Edges) -> bool:
    """Return whether some arrows come back to where they began: feedback."""
    return any(box in reached(edges, box) for box in boxes(edges))


class Facts(NamedTuple):
    """What a drawing says about a pipeline.

    Attributes:
        boxes, arrows: how many.
        ends: the boxes that lead nowhere.
        feedback: whether some arrows come back.
        watched: whether an arrow leads from what is deployed, or serves, to monitoring.
    """

    boxes: int
    arrows: int
    ends: list[str]
    feedback: bool
    watched: bool


def facts(edges: Edges) -> Facts:
    """Return what a drawing says."""
    live = [box for box in boxes(edges) if re.search("deploy|serve|production$|response", box)]
    watched = any("monitor" in box for each in live for box in reached(edges, each))
    return Facts(len(boxes(edges)), len(edges), ends(edges), has_cycle(edges), watched)


_STEPS = "S1[step 1] --> S2[step 2] --> S3[step 3] --> S4[step 4] --> S5[step 5]"

# Row of the ledger -> its facts as a drawing.
RETOLD = {
    "A1-DIA-01": "A[collect] --> B[preprocess] --> C[train] --> D[evaluate] --> E[deploy]",
    "A2-DIA-01": "A[collect] --> B[preprocess] --> C[feature engineering] --> D[train]\n"
    "D --> E[evaluate] --> F[deploy]",
    "B1-DIA-01": f"{_STEPS} --> P[production]\nS1 --> A[storage]\nS1 --> N[network]",
    "B2-DIA-01": f"{_STEPS} --> D[deployment]\nS1 --> A[storage]\nS1 --> N[network]\n"
    "N --> M[monitoring]",
    "C1-DIA-01": "M[large model] --> D[data center] --> P[production management]\nM --> P",
    "E-DIA-01": "A[data] --> C{which model?}\nC --> T[traditional algorithm] --> O[optimization]\n"
    "C --> L[deep learning] --> E[evaluation] --> D[deployment]\n"
    "D --> Q[service request] --> R[response]",
}

# This lab's own: the stages, and the way back that makes a pipeline of a line.
OWN = [*pairwise(STAGES), ("roll back", "collect"), ("monitor", "collect")]
