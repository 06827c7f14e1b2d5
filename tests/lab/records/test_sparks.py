import xml.etree.ElementTree as ET

import pytest

from labkit.lab.records.sparks import spark, svg


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([3], "▁"),
        ([3, 3, 3], "▁▁▁"),
        ([0, 7], "▁█"),
        (range(8), "▁▂▃▄▅▆▇█"),
        ([0, "nan", float("inf"), None, 1], "▁   █"),
        (["nan"], " "),
        ([-1.7e308, 1.7e308], "▁█"),  # their difference is no float
        ([10**400, 1, 2], " ▁█"),
    ],
)
def test_bars(values, line):
    assert spark(values) == line


def test_a_long_curve_keeps_its_last_value_and_its_width():
    line = spark([*range(999), 0], width=10)
    assert len(line) == 10
    assert line[-1] == "▁"


def test_the_picture_is_a_line_with_its_end_marked_and_has_words():
    picture = ET.fromstring(svg([4, 2, 1], "loss <falls>"))
    assert picture.attrib["aria-label"] == "loss <falls>"
    line, dot = picture
    heights = [float(place.split(",")[1]) for place in line.attrib["points"].split()]
    assert heights == sorted(heights), "down the page is a smaller value"
    assert (dot.attrib["cx"], dot.attrib["cy"]) == tuple(
        line.attrib["points"].split()[-1].split(",")
    )


def test_what_is_not_finite_is_a_gap():
    picture = ET.fromstring(svg([1, 2, "nan", 2, 1], "loss"))
    assert [child.tag for child in picture] == ["polyline", "polyline", "circle"]
    assert not list(ET.fromstring(svg(["nan", "inf"], "loss")))
