"""Tables of quotations: complete, dated, sourced, and without a threshold that no rule has."""

import re
from datetime import date
from importlib import metadata

import pytest

from labkit.datacenter.security.quoted import advisories, regulations

ALL = [*advisories(), *advisories("onnx")]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.number)
def test_an_advisory_has_a_number_an_effect_and_a_source(row):
    assert re.fullmatch(r"CVE-20\d\d-\d{4,5}", row.number)
    assert len(row.what) > 20
    assert re.search("GHSA-|record of the CVE program", row.source)
    assert not row.published or date.fromisoformat(row.published).year >= int(row.number[4:8])
    assert row.closed_in or re.search("not found|up to|below", row.source)


def test_each_number_stands_once():
    assert len({row.number for row in ALL}) == len(ALL)


def test_the_keras_that_is_installed_is_newer_than_all_that_closed_something():
    as_numbers = lambda version: tuple(map(int, re.findall(r"\d+", version)[:3]))
    here = as_numbers(metadata.version("keras"))
    assert all(as_numbers(row.closed_in) <= here for row in advisories() if row.closed_in)


def test_another_package_is_refused():
    with pytest.raises(ValueError, match=r"keras and onnx. Received: 'torch'"):
        advisories("torch")


@pytest.mark.parametrize("row", regulations(), ids=lambda row: f"{row.rule} {row.article}")
def test_a_regulation_has_a_source_a_date_and_no_threshold(row):
    assert row.binding in ("law", "guidance")
    assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", row.applies_from)
    assert row.number.startswith("none")
    assert all(row)


def test_the_five_that_the_lesson_names_are_there():
    names = {row.rule for row in regulations()}
    assert names == {"GDPR", "PIPL", "HIPAA", "EU AI Act", "NIST SP 800-226"}
