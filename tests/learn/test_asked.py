"""Cards in a student's copy tell no verdict, and still compare with the ledger."""

import pytest

from labkit.learn import asked, claims
from labkit.learn.claims import ClaimError, find_row

ROW = find_row("A2-GD-04")
VALUES = (-4, 0.4, -0.8, 0.48, 0.496, 0.4992)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as texts."""
    found = []
    monkeypatch.setattr("IPython.display.display", lambda *each, **_: found.extend(map(str, each)))
    return found


def test_a_card_shows_what_is_stated_and_computed_and_asks():
    card = asked.AskedCard(ROW, VALUES)
    for text in (repr(card), card._repr_html_()):
        assert "0.4992" in text
        assert ROW["id"] in text
        assert "Your verdict" in text
        assert ROW["why"] not in text
        assert ROW["computed"] not in text
        assert "✓" not in text


def test_cards_of_all_rows_look_the_same_whatever_their_verdict():
    cards = [asked.AskedCard(row)._repr_html_() for row in claims.read_ledger()]
    colors = {card.split("solid ")[1][:7] for card in cards}
    assert len(colors) == 1


def test_a_value_that_is_not_the_ledgers_still_fails():
    with pytest.raises(ClaimError, match=r"value 2 is 0\.5"):
        asked.claim("A2-GD-04", -4, 0.5, *VALUES[2:])


def test_a_table_leaves_the_column_of_the_verdict_empty():
    text = asked._table([asked.AskedCard(ROW, VALUES)])
    assert "1 further statement to judge" in text
    assert "your verdict" in text
    assert ROW["why"] not in text


def test_a_run_that_recomputes_rows_gets_their_values(monkeypatch, shown):
    monkeypatch.setenv(claims.COLLECT, "1")
    asked.claim("A2-GD-04", *VALUES)
    asked.claim_table({"A2-GD-04": VALUES})
    assert sum(claims.MIME in text for text in shown) == 2
    monkeypatch.delenv(claims.COLLECT)
    shown.clear()
    asked.claim("A2-GD-04", *VALUES)
    assert len(shown) == 1
    assert claims.MIME not in shown[0]
    assert "Your verdict" in shown[0]
