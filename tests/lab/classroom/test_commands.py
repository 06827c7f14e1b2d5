"""`labkit class`: each part has a help that teaches."""

import pytest
from helpers import call

PARTS = ["make", "read", "plan", "notes", "slides"]


@pytest.mark.parametrize("part", PARTS)
def test_the_help_of_each_part_teaches(part):
    text = call("class", part, "--help").stdout
    assert f"labkit class {part}" in text.split("Examples:")[1]
    short = next(
        x for x in call("class", "--help").stdout.splitlines() if x.startswith(f"  {part} ")
    )
    assert not short.endswith("...")


def test_the_group_names_all_its_parts():
    text = call("class", "--help").stdout
    assert all(f"labkit class {part}" in text for part in PARTS)
