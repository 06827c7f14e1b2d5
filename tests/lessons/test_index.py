"""The index tells the same as the lessons themselves."""

import json
import re

import pytest

from labkit.lab import places

LESSONS = places.lesson_files()


def first_cell(path):
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])


@pytest.fixture(scope="module")
def index():
    """File name -> the index's row about it."""
    text = first_cell(places.home() / "notebooks" / "index.ipynb")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    return {re.search(r"\]\((.+?)\)", row)[1]: row for row in rows}


@pytest.mark.parametrize("path", LESSONS.values(), ids=lambda path: path.stem)
def test_title_minutes_and_what_comes_before_are_those_of_the_lesson(path, index):
    promise = first_cell(path)
    title = promise.splitlines()[0].removeprefix("# ")
    minutes = re.search(r"\*\*Time:\*\* about (\d+) minutes", promise)[1]
    before = re.search(r"\*\*Before it:\*\* ([^.\n]*)\.", promise)[1]
    first, *titled = before.split(" (")  # the index leaves the titles out
    before = first + "".join(part.partition(")")[2] for part in titled)
    row = index[path.name]
    assert row.startswith(f"| [{title}](")
    assert row.endswith(f"| {minutes} | {before} |")


def test_lessons_stand_in_order(index):
    assert list(index) == sorted(index)
