"""The parser reads arrows; the drawings retold have the facts that the ledger tells."""

import csv
import re
from pathlib import Path

import pytest

from labkit.datacenter.lifecycle import diagrams

LEDGER = Path(__file__).resolve().parents[3] / "data" / "claims.csv"
ROWS = {row["id"]: row for row in csv.DictReader(LEDGER.open(encoding="utf-8"))}


@pytest.mark.parametrize("row", diagrams.RETOLD)
def test_a_drawing_has_the_boxes_and_arrows_of_the_ledger(row):
    found = diagrams.facts(diagrams.parse(diagrams.RETOLD[row]))
    numbers = re.search(r"(\d+) nodes, (\d+) edges", ROWS[row]["computed"])
    if numbers:
        assert (found.boxes, found.arrows) == tuple(map(int, numbers.groups()))
    assert f"{found.boxes} boxes" == ROWS[row]["stated"]
    assert not found.feedback


def test_what_the_ledger_says_in_words_is_so_in_the_drawings():
    edges = {row: diagrams.parse(text) for row, text in diagrams.RETOLD.items()}
    assert ("evaluate", "train") not in edges["A2-DIA-01"]
    assert diagrams.ends(edges["A1-DIA-01"]) == ["deploy"]
    assert {*diagrams.ends(edges["B1-DIA-01"])} == {"production", "storage", "network"}
    assert "deployment" in diagrams.ends(edges["B2-DIA-01"])
    assert [a for a, b in edges["B2-DIA-01"] if b == "monitoring"] == ["network"]
    assert "optimization" in diagrams.ends(edges["E-DIA-01"])
    assert "data" not in diagrams.reached(edges["E-DIA-01"], "response")


def test_the_labs_own_pipeline_comes_back_and_is_watched():
    own = diagrams.facts(diagrams.OWN)
    assert own.feedback
    assert own.watched
    assert not own.ends


def test_a_cycle_is_found_wherever_it_is():
    assert diagrams.has_cycle([("a", "b"), ("b", "c"), ("c", "b")])
    assert not diagrams.has_cycle([("a", "b"), ("a", "c"), ("b", "c")])


def test_a_line_that_is_no_arrow_is_told():
    with pytest.raises(ValueError, match="=> B"):
        diagrams.parse("graph TD\nA => B")
