"""The text is split without copies, and n-grams count as they should."""

import re
import sys

import numpy as np
import pytest

from labkit.data import DataError, load_text
from labkit.data import text as t


@pytest.fixture(scope="module")
def loaded():
    return load_text()


def test_no_paragraph_of_the_test_part_was_trained_on(loaded):
    train, test = t.decode(loaded.train), t.decode(loaded.test)
    paragraphs = [" ".join(p.split()) for p in test.split("\n\n")][1:]  # the first is cut
    trained = {" ".join(p.split()) for p in train.split("\n\n")}
    assert len(paragraphs) > 100
    assert not trained & set(paragraphs)


def test_as_it_comes_it_is_the_whole_reference():
    from pydoc_data.topics import topics

    whole = load_text(keep_repeated=True)
    found = t.decode(np.concatenate([whole.train, whole.test]))
    wanted = "\n\n".join(t._ascii(each).strip() for each in topics.values())
    assert found == re.sub(r"\n\n+", "\n\n", wanted)
    assert 0.1 < whole.repeated < 0.4
    share = 1 - sum(map(len, (load_text().train, load_text().test))) / len(found)
    assert abs(share - whole.repeated) < 0.03  # the separators are counted here too


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.5])
def test_the_end_of_the_text_is_held_out(loaded, fraction):
    text = load_text(fraction)
    both = np.concatenate([text.train, text.test])
    assert (both == np.concatenate([loaded.train, loaded.test])).all()
    assert abs(len(text.test) / len(both) - fraction) < 1e-4


def test_source_names_the_version_and_whether_it_is_known(loaded, monkeypatch):
    assert f"Python {sys.version.split()[0]}" in loaded.source
    monkeypatch.setattr(t, "KNOWN", {})
    assert "not one of those listed, SHA-256" in load_text().source


def test_the_readme_lists_what_the_loader_knows():
    from pathlib import Path

    readme = (Path(__file__).parents[2] / "data" / "README.md").read_text(encoding="utf-8")
    for version, (count, sha256) in t.KNOWN.items():
        assert version in readme
        assert f"{count:,}" in readme
        assert sha256 in readme


def test_without_the_text_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(t.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="apt install libpython3-stdlib"):
        load_text()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 2])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(ValueError, match="between 0 and 1"):
        load_text(fraction)


def test_every_character_of_the_alphabet_comes_back():
    assert t.decode(t.encode(t.ALPHABET)) == t.ALPHABET
    assert t.encode(t.ALPHABET).tolist() == list(range(96))


def test_foreign_characters_become_plain_ones():
    assert t.decode(t.encode("“é” – ’x’ 中…")) == "\"e\" - 'x' ?..."


def test_windows_hold_the_next_character_as_target():
    codes = np.arange(20)
    x, y = t.windows(codes, length=5, step=3)
    assert (y == x + 1).all()
    assert x[:, 0].tolist() == [0, 3, 6, 9, 12]
    with pytest.raises(ValueError, match="5 characters has no piece of 5"):
        t.windows(np.arange(5), length=5, step=1)


# --- n-grams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_add_up_to_one_also_in_contexts_never_seen(loaded, order):
    model = t.NGram(loaded.train[:20_000], order)
    for context in ("the statement", "qqqqqqqqqq", "~~~~~~~~~~", "\n\n\n\n\n\n"):
        p = model.probabilities(t.encode(context))
        assert p.shape == (96,)
        assert abs(p.sum() - 1) < 1e-9
        assert (p > 0).all()


def test_losses_are_the_logarithms_of_the_probabilities(loaded):
    model, codes = t.NGram(loaded.train[:20_000], 4), loaded.test[:30]
    losses = model.losses(codes, loaded.train)
    seen = np.concatenate([loaded.train, codes])
    for place in (0, 1, 29):
        p = model.probabilities(seen[: len(loaded.train) + place])
        assert abs(losses[place] + np.log(p[codes[place]])) < 1e-12


def test_kneser_ney_of_a_hand_example():
    """a b a b a c with three letters: bigrams ab 2, ba 2, ac 1; discounts by Ney's estimate."""
    model = t.NGram(np.array([0, 1, 0, 1, 0, 2]), order=2, vocabulary=3)
    discount = 1 / (1 + 2 * 2)  # one bigram stands once, two stand twice
    # Below, each letter ends one kind of bigram (b, a, c): all stand once, the estimate of 1 is cut
    ends = (np.ones(3) - 0.9) / 3 + 0.9 * 3 / 3 / 3
    wanted = np.maximum(np.array([0, 2, 1]) - discount, 0) / 3 + discount * 2 / 3 * ends
    np.testing.assert_allclose(model.probabilities(np.array([0])), wanted, atol=1e-12)


def test_longer_contexts_help_on_real_text(loaded):
    losses = [t.NGram(loaded.train, n).losses(loaded.test, loaded.train).mean() for n in (1, 2, 4)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[0] < np.log(96)


@pytest.mark.parametrize("order", [0, 10, 4])
def test_impossible_orders_are_refused(order):
    with pytest.raises(ValueError, match=f"order={order}"):
        t.NGram(np.array([0, 1, 2]), order)


def test_source_code_is_another_text_of_the_same_alphabet():
    code = t.load_code(0.2)
    whole = len(code.train) + len(code.test)
    assert len(code.test) == pytest.approx(0.2 * whole, abs=1)
    assert "import" in t.decode(code.train)
    assert "def " in t.decode(code.test)
    with pytest.raises(ValueError, match=r"0 and 1; got 1\.5"):
        t.load_code(1.5)
