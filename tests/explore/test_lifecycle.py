"""The explorer of lesson 28: stage by stage, without a browser."""

import pytest

from labkit.datacenter.lifecycle import fields
from labkit.explore.lifecycle import STAGES, LifecycleExplorer


@pytest.fixture(scope="module")
def explorer():
    return LifecycleExplorer(field="speech")


def set_to(explorer, **params):
    explorer._jump({"field": "speech", "trap": "own", "heed": False, "stage": "check"} | params)
    return explorer.text


def test_it_opens_quiet_and_tells_no_score(explorer):
    assert explorer.params["trap"] == "none"
    assert "Checks: quiet" in explorer.text
    assert "Promised" not in explorer.text


def test_each_stage_tells_what_is_known_by_then(explorer):
    told = [set_to(explorer, stage=stage) for stage in STAGES]
    assert ["Checks" in each for each in told] == [False, True, True, True]
    assert ["Promised" in each for each in told] == [False, False, True, True]
    assert ["Live" in each for each in told] == [False, False, False, True]


def test_a_trap_is_promised_away_and_mending_keeps_the_promise(explorer):
    ignored = explorer.compute("speech", "own", "monitor", False)
    mended = explorer.compute("speech", "own", "monitor", True)
    assert ignored["live"].high < ignored["promised"].low
    assert mended["live"].high > mended["promised"].low
    assert "Ignored." in set_to(explorer)
    assert "Mended: 360 rows are left." in set_to(explorer, heed=True)


def test_bars_of_checks_that_speak_pass_the_line(explorer):
    set_to(explorer)
    artists = explorer._picture(explorer.params).moving
    found = explorer.compute(**explorer.params)["findings"]
    passed = [bar.get_width() > 1 for bar in artists["bars"]]
    assert passed == [each.found for each in found]


@pytest.mark.parametrize("field", fields.FIELDS)
def test_every_field_has_a_picture_and_words_with_every_trap(explorer, field):
    for trap in ("own", "prevalence"):
        assert "Live" in set_to(explorer, field=field, trap=trap, stage="monitor")


@pytest.mark.parametrize("name", fields.FIELDS)
def test_no_word_of_the_table_of_fields_is_cut(name):
    field = fields.FIELDS[name]
    assert max(map(len, (field.row, field.asks, field.source))) < 50
