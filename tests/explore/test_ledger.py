"""The ledger's explorer: what it chooses, counts, links and computes again."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from labkit.explore import recompute_button
from labkit.explore.ledger import LedgerExplorer, chosen, ledger_rows, rates
from labkit.explore.recompute_button import outcome
from labkit.learn.claims import claims
from labkit.learn.shown import where_shown


def test_what_is_chosen_is_what_the_command_line_shows():
    explorer = LedgerExplorer(topic="losses", verdict="wrong", search="sigmoid")
    expected = claims("losses", "wrong", search="sigmoid").id.tolist()
    assert [row["id"] for row in explorer.result["rows"]] == expected
    assert explorer.texts()["Copy as command"] == (
        "labkit claims --topic losses --verdict wrong --search sigmoid"
    )
    assert [id for _, id in explorer._list.options] == expected


def test_rates_are_those_of_pandas_and_intervals_those_of_scipy():
    from scipy.stats import binomtest

    table = pd.DataFrame(ledger_rows())
    counted = table.groupby("topic").verdict.agg(["size", lambda v: (v == "wrong").sum()])
    for topic, (n, k, share, low, high) in rates(list(ledger_rows()), "topic", "wrong").items():
        assert [n, k] == counted.loc[topic].tolist()
        assert share == k / n
        interval = binomtest(k, n).proportion_ci(0.95, method="wilson")
        assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-4)


def test_the_dots_are_the_rates_of_the_rows_that_the_filters_leave():
    explorer = LedgerExplorer(by="article", kind="formula")
    artists = explorer._picture(explorer.params).moving
    shares = dict(enumerate(artists["dots"].get_xdata()))
    table = claims()
    table = table[table.kind == "formula"]
    expected = table.verdict.eq("holds").groupby(table.article).mean()
    assert sorted(shares.values()) == pytest.approx(sorted(expected))
    texts = [text.get_text() for text in artists["counts"] if text.get_text()]
    assert len(texts) == len(expected)


def test_nothing_chosen_is_said_in_words():
    explorer = LedgerExplorer(search="no such words anywhere")
    assert "Take one of the filters away" in explorer.text
    assert explorer.picked is None
    assert explorer._again.button.disabled
    overall = explorer._picture(explorer.params).moving["overall"]
    assert np.isnan(overall.get_xdata()).all()  # and no share of 0 % is drawn


def test_a_picked_row_shows_its_card_and_leads_to_its_cell():
    explorer = LedgerExplorer(search="A2-GD-0")
    explorer._list.value = "A2-GD-05"
    (card,) = explorer._card.outputs
    assert where_shown()["A2-GD-05"].link in card["data"]["text/html"]
    assert "A2-GD-05" in card["data"]["text/html"]
    assert not explorer._again.button.disabled
    assert explorer.texts()["Copy the check of this row"] == "labkit claims check A2-GD-05"


def test_a_row_without_a_value_offers_no_run():
    explorer = LedgerExplorer(search="D1-META-01")
    assert explorer._again.button.disabled
    assert "no run would tell more" in explorer._again.told.value


def test_it_can_be_walked_without_a_run(monkeypatch):
    monkeypatch.setattr(recompute_button, "command", lambda id: pytest.fail("it started a run"))
    assert LedgerExplorer().walk(samples=4) > 20


def test_every_row_is_found_by_its_own_id():
    for row in ledger_rows():
        assert row in chosen(search=row["id"].lower())


# --- computing again, in a process that only pretends ------------------------------------------


@pytest.fixture
def pretend(monkeypatch):
    """Let the button start this code instead of the lab's command."""

    def with_code(code):
        monkeypatch.setattr(recompute_button, "command", lambda id: [sys.executable, "-c", code])
        return LedgerExplorer(search="A2-GD-04")

    return with_code


FOUND = [{"state": "parts", "now": [0.123456789, True], "ledger": "0.2; true", "told": "why"}]


def test_what_came_is_told_and_the_button_is_free_again(pretend):
    explorer = pretend(f"print({json.dumps(json.dumps(FOUND))})")
    explorer._again.button.click()
    assert explorer._again.button.description == "Stop"
    explorer._again.wait(20)
    assert explorer._again.told.value == (
        "A2-GD-04: parts. Now 0.123457; True; ledger 0.2; true. why"
    )
    assert explorer._again.button.description == "Compute again"


@pytest.mark.parametrize("disposition", [signal.default_int_handler, signal.SIG_IGN])
def test_stop_ends_the_run_also_where_the_server_was_started_deaf_to_ctrl_c(pretend, disposition):
    explorer = pretend("import time; time.sleep(60)")
    before = signal.signal(signal.SIGINT, disposition)
    try:
        explorer._again.button.click()
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(1)
    explorer._again.button.click()
    explorer._again.wait(20)
    assert "stopped; nothing of the run is left" in explorer._again.told.value


def test_a_run_that_fails_is_told_with_its_last_line():
    told = outcome("A2-GD-04", 1, "", "Running\nError: no room\n")
    assert told == "A2-GD-04 could not be computed again: Error: no room"


def test_the_run_is_in_a_session_of_its_own(pretend, monkeypatch):
    started = {}
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.update(k) or real(*a, **k))
    explorer = pretend("pass")
    explorer._again.button.click()
    explorer._again.wait(20)
    assert started["start_new_session"]
    assert "LABKIT_HEADLESS" not in started["env"]
    assert signal.SIGINT


def test_a_run_that_ends_leaves_another_one_its_end(pretend, monkeypatch):
    kept = []
    monkeypatch.setattr(recompute_button.atexit, "register", kept.append)
    monkeypatch.setattr(recompute_button.atexit, "unregister", kept.remove)
    long = pretend("import time; time.sleep(60)")
    long._again.button.click()
    short = pretend("pass")
    short._again.button.click()
    short._again.wait(20)
    (end,) = kept
    time.sleep(0.5)
    end()
    long._again.wait(20)
    assert not kept
    assert long._again.button.description == "Compute again"


def test_after_a_run_the_button_is_for_the_row_that_is_picked_then(pretend):
    explorer = pretend("import time; time.sleep(1)")
    explorer._again.button.click()
    explorer.controls["search"].value = "E-APP-03"  # an opinion
    assert explorer.picked["id"] == "E-APP-03"
    assert not explorer._again.button.disabled  # it stops the run
    explorer._again.wait(20)
    assert explorer._again.button.disabled
