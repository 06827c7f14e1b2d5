"""The model of a step on a card, against counts by hand, and its clocks against a slow function."""

import time

import numpy as np
import pytest

from labkit.datacenter import cards
from labkit.datacenter.cards import CARDS, Card, step
from labkit.datacenter.factors import DEVICES

PLAIN = Card("plain", "quoted", {"float32": 1e12, "bfloat16": 4e12}, 1e9, 8e9, 1e9, "nobody")


def test_a_step_counts_each_matrix_of_each_product_once():
    batch, width, numbers, flop = 3, 5, 0, 0
    x, w, y = (batch, width), (width, width), (batch, width)
    for _ in range(cards.LAYERS):
        for left, right, out in ((x, w, y), (x, y, w), (y, w, x)):
            numbers += sum(a * b for a, b in (left, right, out))
            flop += 2 * batch * width * width
    adam = cards.LAYERS * 7 * width * width
    parts = step(PLAIN, batch, width, operations=10, launch=1e-6)
    assert parts.arithmetic == pytest.approx(flop / 1e12)
    assert parts.moving == pytest.approx(4 * (numbers + adam) / 1e9)
    assert parts.launching == pytest.approx(1e-5)


def test_bfloat16_halves_what_products_move_but_not_what_adam_moves():
    wide, narrow = (step(PLAIN, 4, 8, 1, 1e-6, form) for form in ("float32", "bfloat16"))
    adam = cards.LAYERS * 7 * 4 * 8 * 8 / 1e9
    assert narrow.moving - adam == pytest.approx((wide.moving - adam) / 2)
    assert narrow.arithmetic == pytest.approx(wide.arithmetic / 4)


def test_a_card_without_units_for_a_format_takes_float32():
    assert step(CARDS["T4"], 64, 512, 60, 4e-6, "TF32") == step(CARDS["T4"], 64, 512, 60, 4e-6)
    assert step(PLAIN, 64, 512, 60, 4e-6, "TF32") == step(PLAIN, 64, 512, 60, 4e-6)


def test_the_longest_part_decides_on_a_card_and_launching_is_added_on_a_processor():
    small = step(CARDS["H100"], 1, 64, 60, 4e-6)
    assert (small.bound, small.seconds) == ("launch", pytest.approx(60 * 4e-6))
    assert step(CARDS["H100"], 1, 8192, 60, 4e-6).bound == "memory"
    assert step(CARDS["H100"], 4096, 8192, 60, 4e-6).bound == "compute"
    processor = step(PLAIN._replace(link=0.0), 4096, 512, 60, 4e-6)
    work = max(processor.moving, processor.arithmetic)
    assert processor.seconds == pytest.approx(60 * 4e-6 + work)


def test_cards_agree_with_lesson_25_and_with_each_other():
    for name in ("A100", "H100"):
        assert CARDS[name].peaks["bfloat16"] == DEVICES[name].peak.value
        assert CARDS[name].memory == DEVICES[name].memory.value
    for card in CARDS.values():
        assert card.origin == "quoted"
        assert card.source
        assert card.link < card.bandwidth < card.peaks["float32"]
    assert CARDS["H200"].peaks == CARDS["H100"].peaks  # the same chip with more memory


@pytest.mark.parametrize(
    ("wrong", "words"), [({"batch": 0}, "above 0. Received: 0"), ({"form": "int4"}, "one of")]
)
def test_a_step_that_cannot_be_says_what_is_allowed(wrong, words):
    with pytest.raises(ValueError, match=words):
        step(**{"card": PLAIN, "batch": 1, "width": 1, "operations": 1, "launch": 1e-6} | wrong)


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="way must be one of"):
        cards.train(None, np.ones(1), np.ones(1), 1, 1, "by magic")


def test_it_is_timed_by_the_clock_that_counts(monkeypatch):
    """Sleep takes wall time, and no CPU time."""
    sleep = lambda: time.sleep(0.02)
    monkeypatch.setattr(cards, "clock", lambda: "wall")
    assert cards.seconds_of({"sleep": sleep}, 0.1)["sleep"] >= 0.02
    monkeypatch.setattr(cards, "clock", lambda: "cpu")
    assert cards.seconds_of({"sleep": sleep}, 0.1)["sleep"] < 0.01


@pytest.mark.slow
def test_all_ways_train_the_same_network_and_are_timed():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 8)).astype("float32")
    losses = {}
    for way in cards.WAYS:
        model = cards.square(8)
        assert cards.train(model, x, x, 16, 12, way) > 0
        losses[way] = model.evaluate(x, x, verbose=0)
    start = cards.square(8).evaluate(x, x, verbose=0)
    assert all(loss < start for loss in losses.values())
    found = cards.step_seconds(lambda: cards.square(8), x, x, 16, epochs=2)
    assert list(found) == list(cards.WAYS)
    assert all(0 < seconds < 1 for seconds in found.values())


@pytest.mark.slow
def test_what_is_measured_here_is_in_the_order_of_a_computer():
    card = cards.this_machine(0.5, side=256)
    assert card.origin == "measured"
    assert 1e8 < card.peaks["float32"] < 1e16
    assert 1e7 < card.bandwidth < 1e14
    few, many = cards.copies((4, 2**24), 0.3).values()
    assert few < many
    one, lots = cards.additions((1, 2**22), 0.3).values()
    assert one < lots
    chain = cards.chains(operations=20, seconds=0.3)
    assert chain.get("one compiled call", 0) < chain["one by one"]
