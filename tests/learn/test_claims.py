"""The ledger data/claims.csv: its shape, its agreement with the lessons, and how it is shown."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from labkit.lab import places
from labkit.learn import claims as module
from labkit.learn.claims import (
    ANSWERS,
    COLUMNS,
    NOT_COMPARED,
    NOTHING,
    OPEN,
    VERDICTS,
    ClaimCard,
    ClaimError,
    check_claim,
    claim,
    claims,
    evidence,
    format_claims,
    ledger_path,
    ledger_values,
    read_ledger,
)
from labkit.learn.shown import claims_in

LEDGER = read_ledger()


def numbers_in(text):
    """Return every number of a text: .4, -0.8, 1.0e7, 93,322, 98.3 % (as 98.3)."""
    found = re.findall(r"-?\d*\.?\d+(?:e-?\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    # "3-5" is a range and not minus five: take each number with and without its sign.
    return {float(number) for number in found} | {abs(float(number)) for number in found}


def numbers_missing(row):
    """Return the values of a row that its `computed` text does not contain."""
    written = numbers_in(row["computed"])
    values, _ = ledger_values(row)
    numbers = [v for v in values if isinstance(v, float)]
    words = [v for v in values if isinstance(v, str)]
    return [v for v in numbers if not any(np.isclose(v, w, rtol=1e-9, atol=0) for w in written)] + [
        word for word in words if word.lower() not in row["computed"].lower()
    ]


def claim_calls(path):
    """Return (id, number of values) of each claim() call and each row for claim_table()."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [call for source in code for call in claims_in(source)]


# --- the file -------------------------------------------------------------------------------


def test_columns_and_ids():
    assert list(LEDGER[0]) == COLUMNS
    assert all(None not in row and None not in row.values() for row in LEDGER), "a ragged row"
    ids = [row["id"] for row in LEDGER]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 324, "the ledger grows; it does not lose claims"


def test_every_row_says_what_it_must():
    for row in LEDGER:
        assert row["verdict"] in VERDICTS, row["id"]
        for column in ("id", "topic", "kind", "article", "section", "statement", "stated"):
            assert row[column].strip(), (row["id"], column)
        if row["verdict"] != "open":
            assert row["computed"], f"{row['id']}: a verdict without anything computed"
            assert row["why"], f"{row['id']}: a verdict without its reason"


def test_open_rows_have_no_lesson_and_nothing_computed():
    for row in LEDGER:
        if row["verdict"] == "open":
            filled = [name for name in ("lesson", "computed", "values") if row[name]]
            assert not filled, row["id"]


def test_every_value_occurs_in_computed():
    missing = {row["id"]: numbers_missing(row) for row in LEDGER if numbers_missing(row)}
    assert not missing


def test_the_check_of_values_bites():
    row = {"id": "X", "computed": "-4, .4; 1.0e7, 93,322 and 0.65%", "tolerance": ""}
    assert not numbers_missing(row | {"values": "-4; 0.4; 1e7; 93322; 0.65"})
    assert numbers_missing(row | {"values": "0.41; 5"}) == [0.41, 5.0]
    assert numbers_missing(row | {"values": "sgd"}) == ["sgd"]


def test_values_and_tolerances_belong_to_a_lesson():
    for row in LEDGER:
        ledger_values(row)  # raises when the tolerances do not fit the values
        if row["values"] or row["tolerance"]:
            assert row["lesson"], f"{row['id']}: values that no lesson computes"


# --- the ledger and the lessons say the same ------------------------------------------------


def test_lessons_and_ledger_agree_on_who_shows_what():
    shown = {}
    for lesson, path in places.lesson_files().items():
        for id, _ in claim_calls(path):
            assert id, f"lesson {lesson}: write the id in claim(...) as a plain text"
            assert id not in shown, f"{id} is shown twice: in {shown[id]} and {lesson}"
            shown[id] = lesson
    promised = {row["id"]: row["lesson"] for row in LEDGER if row["lesson"]}
    assert shown == promised


def test_lessons_give_as_many_values_as_the_ledger_has():
    rows = {row["id"]: row for row in LEDGER}
    for path in places.lesson_files().values():
        for id, given in claim_calls(path):
            assert given in (None, len(ledger_values(rows[id])[0])), (path.name, id)


def test_every_row_is_computed_answered_or_an_opinion_and_stands_in_a_lesson():
    for row in LEDGER:
        assert evidence(row) != OPEN, row["id"]
        assert row["lesson"], row["id"]
        assert row["values"] or row["computed"].startswith("n/a"), row["id"]


def test_an_answer_that_no_cell_computes_says_whose_it_is():
    row = dict.fromkeys(COLUMNS, "text") | {"values": "", "tolerance": "", "verdict": "holds"}
    for kind, words in ANSWERS.items():
        told = dict(ClaimCard(row | {"computed": f"n/a ({kind}): so it is"}).lines())
        assert told["Computed"] == f"so it is ({words})"


# --- claim() --------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """A small ledger of its own, so that these tests do not hang on the real rows."""
    row = dict.fromkeys(COLUMNS, "text") | {"id": "T-01", "verdict": "holds", "lesson": "01"}
    row |= {"computed": "0.4, 0.48, yes: sgd", "values": "0.4; 0.48; true; sgd"}
    nothing = row | {"id": "T-02", "computed": "n/a", "values": "", "statement": "<b> & co"}
    path = tmp_path / "claims.csv"
    pd.DataFrame([row | {"tolerance": "0.001"}, nothing | {"tolerance": ""}]).to_csv(
        path, index=False
    )
    monkeypatch.setattr(module, "ledger_path", lambda: path)


def test_values_within_tolerance_pass(ledger):
    assert check_claim("T-01", 0.4009, np.float32(0.48), np.True_, "SGD")["verdict"] == "holds"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.4, 0.5, True, "sgd"), r"value 2 is 0\.5 in this lesson, but 0\.48 \(tolerance 0\.001"),
        ((0.4, float("nan"), True, "sgd"), "value 2 is nan"),
        ((0.4, 0.48, 1, "sgd"), "value 3 is 1 .* but True"),
        ((0.4, 0.48, True, "adam"), "value 4 is adam"),
        ((0.4, 0.48), "gives 2 values .* the ledger has 4"),
        (([0.4, 0.48], 0.48, True, "sgd"), "value 1"),
    ],
)
def test_values_that_part_from_the_ledger_raise(ledger, values, message):
    with pytest.raises(ClaimError, match=message):
        check_claim("T-01", *values)


def test_values_of_other_settings_are_shown_and_not_compared(ledger, capsys):
    claim("T-01", 0.7, 0.48, True, "sgd", when=False)
    assert f"0.7, 0.48, True, sgd ({NOT_COMPARED})" in capsys.readouterr().out
    with pytest.raises(ClaimError, match="ledger has 4"):
        claim("T-01", 0.7, when=False)


def test_a_claim_with_nothing_to_compute_takes_no_value(ledger):
    assert check_claim("T-02")
    with pytest.raises(ClaimError, match="ledger has 0"):
        check_claim("T-02", 1.0)


def test_a_card_keeps_what_was_found_without_computing():
    row = dict.fromkeys(COLUMNS, "text") | {"values": "", "tolerance": "", "lesson": "11"}
    found = row | {"computed": f"n/a ({NOTHING}): never used"}
    assert dict(ClaimCard(found).lines())["Computed"] == "never used"
    bare = row | {"computed": f"n/a ({NOTHING})"}
    assert dict(ClaimCard(bare).lines())["Computed"] == NOTHING


def test_an_unknown_id_names_near_ones():
    with pytest.raises(ClaimError, match=r"'a2-gd-4'.*A2-GD-04"):
        claim("a2-gd-4")


def test_a_moved_number_in_the_ledger_is_noticed():
    """Whoever edits a value in the real ledger makes the lesson that computed it fail."""
    row = next(r for r in LEDGER if any(isinstance(v, float) for v in ledger_values(r)[0]))
    values, tolerances = ledger_values(row)
    n = next(i for i, value in enumerate(values) if isinstance(value, float))
    check_claim(row["id"], *values)
    values[n] += 2 * tolerances[n] + 1e-6 * max(1.0, abs(values[n]))
    with pytest.raises(ClaimError, match=row["id"]):
        check_claim(row["id"], *values)


def test_claim_shows_html_and_text(ledger, capsys):
    claim("T-01", 0.4, 0.48, True, "sgd")
    assert "In this run: 0.4, 0.48, True, sgd" in capsys.readouterr().out
    shown = ClaimCard(check_claim("T-02"))._repr_html_()
    assert "&lt;b&gt; &amp; co" in shown
    assert "<b>" not in shown


# --- claims() -------------------------------------------------------------------------------


def test_many_claims_are_one_folded_table_a_row_each(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda made: shown.append(made.data))
    module.claim_table({"A2-GD-05": (0.5, 0.25, 0.5), "B2-BP-06": ()})
    (html,) = shown
    assert html.startswith("<details><summary>2 further statements: ")
    assert html.count("<tr>") == 3
    assert "A2-GD-05" in html
    assert "In this run: 0.5, 0.25, 0.5" in html
    with pytest.raises(module.ClaimError, match="value 2"):
        module.claim_table({"A2-GD-05": (0.5, 0.3, 0.5)})


def test_several_hold_and_one_holds():
    table = claims(search="A2-GD-0")
    assert len(table) > 2
    assert " hold" in module.counts(table)
    assert " holds" not in module.counts(table)


def test_claims_selects():
    everything = claims()
    assert len(everything) == len(LEDGER)
    wrong = claims(topic="losses", verdict="wrong")
    assert 0 < len(wrong) < len(everything)
    assert set(wrong.topic) == {"losses"}
    assert set(wrong.verdict) == {"wrong"}
    assert list(claims(lesson=1).id) == list(claims(lesson="01").id)


def test_claims_names_what_is_allowed():
    with pytest.raises(ValueError, match=r"'loss'.*gradient descent.*losses"):
        claims(topic="loss")
    with pytest.raises(ValueError, match=r"'maybe'.*holds.*wrong"):
        claims(verdict="maybe")
    with pytest.raises(ValueError, match="'one'"):
        claims(lesson="one")


def test_format_claims_counts_and_quotes():
    opinions = len(claims(verdict="opinion"))
    assert module.counts(claims(verdict="opinion")) == f"{opinions} claims: {opinions} opinion"
    assert NOTHING in format_claims(claims(verdict="opinion"))
    none = claims(topic="energy", verdict="holds")
    assert (module.counts(none), format_claims(none)) == ("0 claims: none", "")


def test_the_summary_counts_every_claim_once():
    table = claims()
    summed = module.summary(table).set_index("topic")
    assert summed.loc["all", "claims"] == len(table)
    assert summed.drop(columns="claims").loc["all"].sum() == len(table)
    assert summed.loc["losses", "wrong"] == len(claims("losses", "wrong"))


# --- where it is ----------------------------------------------------------------------------


def test_the_ledger_is_found_where_a_wheel_puts_it(tmp_path, monkeypatch):
    """Without a checkout around, the copy below the environment's share/labkit is read."""
    installed = tmp_path / "share" / "labkit"
    for room in ("notebooks", "data"):
        (installed / room).mkdir(parents=True)
    (installed / "data" / "claims.csv").write_text(",".join(COLUMNS))
    monkeypatch.delenv("LABKIT_HOME", raising=False)
    monkeypatch.setattr(places, "_CHECKOUT", tmp_path / "site-packages")
    monkeypatch.setattr(places, "_INSTALLED", installed)
    monkeypatch.chdir(tmp_path)
    assert ledger_path() == installed / "data" / "claims.csv"


def test_a_missing_ledger_is_named_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"data/claims\.csv is missing\. Restore it"):
        ledger_path()
