"""Byte-pair tokens against a slow way that is plainly right, and every text comes back."""

from collections import Counter
from itertools import pairwise

import pytest

from labkit.networks import tokens as t

TEXT = "the cat sat on the mat, the cat that sat; 10 cats,  aaaa aaa\nnaïve 数据 🙂 the end"


def slow_train(text: str, merges: int) -> list[tuple[int, int]]:
    """Count all pairs of all words anew in each round."""
    words, found = [list(word.encode()) for word in t.split_words(text)], []
    while len(found) < merges:
        seen = Counter(pair for word in words for pair in pairwise(word))
        best = min(seen, key=lambda pair: (-seen[pair], pair))
        if seen[best] < 2:
            break
        found.append(best)
        words = [t.merge_pair(word, best, 255 + len(found)) for word in words]
    return found


def test_merging_goes_from_left_to_right_and_leaves_its_input_alone():
    given = [1, 1, 1, 1, 1, 2]
    assert t.merge_pair(given, (1, 1), 9) == [9, 9, 1, 2]
    assert given == [1, 1, 1, 1, 1, 2]


@pytest.mark.parametrize("merges", [0, 5, 40, 1000])
def test_training_finds_what_counting_everything_anew_finds(merges):
    assert t.train(TEXT, merges).merges == slow_train(TEXT, merges)


def test_encoding_is_all_merges_one_after_the_other():
    table = t.train(TEXT, 30)
    for text in (TEXT, "hat cathat aaaaa", "the 数据"):
        words = [list(word.encode()) for word in t.split_words(text)]
        for number, pair in enumerate(table.merges):
            words = [t.merge_pair(word, pair, 256 + number) for word in words]
        assert table.encode(text) == [token for word in words for token in word]


@pytest.mark.parametrize("text", ["", " ", "\r\n\t\x00", "naïve 数据 🙂", "x" * 999, "a\n\n  b"])
def test_every_text_comes_back(text):
    table = t.train(TEXT, 30)
    assert table.decode(table.encode(text)) == text
    assert "".join(t.split_words(text)) == text


def test_the_merge_that_is_given_is_the_one_that_is_used():
    calls = []

    def merge(tokens, pair, new):
        calls.append(pair)
        return t.merge_pair(tokens, pair, new)

    table = t.train("hug hugs", 2, merge)
    calls.clear()
    assert table.encode("hug") == [257]
    assert len(calls) == 2


def test_a_merge_that_changes_nothing_is_named_and_does_not_run_forever():
    with pytest.raises(ValueError, match="leaves the pair in place"):
        t.train("hug hugs", 2, lambda tokens, pair, new: tokens)


def test_wrong_tables_and_tokens_are_named():
    with pytest.raises(ValueError, match=r"0 to 255; got \(256, 1\)"):
        t.Tokens([(256, 1)])
    with pytest.raises(ValueError, match="0 to 255; got 256"):
        t.Tokens([]).decode([256])
    with pytest.raises(ValueError, match="got -1"):
        t.train("a", -1)
