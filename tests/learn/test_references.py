"""What the articles cite: the table is whole, its numbers pass, and its verdicts follow."""

import re

import pytest
from lesson_code import names_after

from labkit.learn.claims import read_ledger
from labkit.learn.references import (
    COLUMNS,
    keras_engines,
    keras_starts_with,
    names,
    read_references,
)

WORKS = read_references()
LEDGER = {row["id"]: row for row in read_ledger()}


@pytest.fixture(scope="module")
def lesson():
    """The functions of the lesson that judge references."""
    return names_after(
        "90",
        "references",
        predict_holds="count, hits = 1, 1",
        predict_differ="",
        rates_figure="",
        judges="",
        families="",
    )


def test_each_work_has_its_source_and_belongs_to_a_row():
    assert list(WORKS[0]) == COLUMNS
    for row in WORKS:
        assert row["id"] in LEDGER
        assert all(row[name] for name in ("stated_title", "title", "authors", "year", "source"))
        assert names(row["authors"])


def test_each_number_is_of_the_year_of_its_work_or_the_year_before(lesson):
    for row in WORKS:
        kind, _, number = row["number"].partition(" ")
        if kind == "arXiv":
            assert int(row["year"]) - lesson["month_of"](number)[0] in (0, 1), row
        elif kind == "ISBN":
            assert lesson["isbn13_digit"](number[:12]) == int(number[12])


def test_a_reference_holds_exactly_when_it_leads_to_the_work(lesson):
    """Title found, all named authors right, the year right where one is stated."""
    for row in WORKS:
        if row["id"] in ("E2-HIST-01", "D1-REF-03"):  # judged by other things than these
            continue
        found, right, of = lesson["found"](row)
        in_time = not row["stated_year"] or lesson["late"](row) == 0
        leads = found and right == of and in_time
        assert leads == (LEDGER[row["id"]]["verdict"] == "holds"), row["id"]


@pytest.mark.parametrize(
    ("isbn", "digit"),
    [("978030640615", 7), ("978316148410", 0), ("979109063607", 1)],  # published examples
)
def test_the_check_digit_of_thirteen(lesson, isbn, digit):
    assert lesson["isbn13_digit"](isbn) == digit


def test_the_check_digit_of_ten(lesson):
    assert lesson["isbn10_digit"]("030640615") == 2
    assert lesson["isbn10_digit"]("080442957") == 10  # printed as X


def test_swaps_that_are_overlooked_are_counted_by_trying(lesson):
    """Against all swaps in made-up numbers, not against the formula again."""
    body = "978031649012"
    missed = tried = 0
    for n in range(11):
        for a in "0123456789":
            for b in set("0123456789") - {a}:
                one = body[:n] + a + b + body[n + 2 :]
                other = body[:n] + b + a + body[n + 2 :]
                missed += lesson["isbn13_digit"](one) == lesson["isbn13_digit"](other)
                tried += 1
    assert lesson["share13"] == pytest.approx(missed / tried)
    assert lesson["share10"] == 0


def test_an_id_without_a_month_is_refused(lesson):
    assert lesson["month_of"]("1706.03762") == (2017, 6)
    with pytest.raises(AttributeError):
        lesson["month_of"]("1713.03762")


def test_keras_names_its_engines_and_refuses_others():
    assert {"jax", "tensorflow", "torch"} <= set(keras_engines())
    assert not keras_starts_with("theano")


def test_no_title_of_the_one_id_is_stated_twice():
    from labkit.learn.references import SAID_OF_ONE_ID

    assert len({re.sub(r"\W", "", title).lower() for title in SAID_OF_ONE_ID}) == 5
