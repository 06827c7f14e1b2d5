"""Byte-pair tokens: pieces of words that a text uses often, found by counting.

A text is bytes first, so that any text has tokens. Then the pair of neighbors that is seen most
often becomes one token, again and again. Pairs never reach over the border of a word.
Lesson: 16_language_models.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

Pair = tuple[int, int]
Merge = Callable[[list[int], Pair, int], list[int]]

BYTES = 256  # tokens before the first merge: one for each byte
# A word with the blank before it, digits, other signs, blanks and line ends. JavaScript reads this
# pattern the same way.
WORDS = r" ?[A-Za-z]+| ?[0-9]+| ?[^A-Za-z0-9 \n]+|[ \n]+"


def split_words(text: str) -> list[str]:
    """Return the words that tokens do not reach over; joined they are the text again.

    >>> split_words("def f(x2):  return")
    ['def', ' f', '(', 'x', '2', '):', '  ', 'return']
    """
    return re.findall(WORDS, text)


def merge_pair(tokens: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Return tokens with each occurrence of a pair replaced, from left to right.

    Args:
        tokens: whole numbers; they stay as they are.
        pair: two neighbors.
        new: what stands in their place.

    Source: Gage, A new algorithm for data compression (1994).

    >>> merge_pair([1, 1, 1, 2], (1, 1), 9)
    [9, 1, 2]
    """
    merged, i = [], 0
    while i < len(tokens):
        both = tuple(tokens[i : i + 2]) == pair
        merged.append(new if both else tokens[i])
        i += 2 if both else 1
    return merged


class Tokens:
    """A table of tokens, and the way from a text to tokens and back.

    Args:
        merges: pairs of tokens in the order of their merging. Token n below 256 is the byte n;
            the pair `merges[i]` becomes token 256 + i.
        merge: function of tokens, pair and new token, as `merge_pair`.

    Attributes:
        merges: the pairs, tuples (left, right).
        pieces: the bytes of each token, list; `len(tokens.pieces)` is the size of the vocabulary.

    Raises:
        ValueError: a pair of tokens that do not exist yet when it is merged.

    >>> tokens = Tokens([(104, 105)])  # h and i
    >>> tokens.encode("hi, chin"), tokens.pieces[256]
    ([256, 44, 32, 99, 256, 110], b'hi')
    """

    def __init__(self, merges: Iterable[Pair], merge: Merge = merge_pair):
        self.merges = [(int(left), int(right)) for left, right in merges]
        self.pieces = [bytes([byte]) for byte in range(BYTES)]
        for left, right in self.merges:
            known = len(self.pieces)
            if not (0 <= left < known and 0 <= right < known):
                raise ValueError(
                    f"merge {known - BYTES} joins tokens 0 to {known - 1}; got {(left, right)}"
                )
            self.pieces.append(self.pieces[left] + self.pieces[right])
        self._rank = {pair: number for number, pair in enumerate(self.merges)}
        self._merge, self._words = merge, {}

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text: in each word, the merges in the order of their finding."""
        return [token for word in split_words(text) for token in self._word(word)]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens. Bytes that are no UTF-8 become the sign U+FFFD.

        Raises:
            ValueError: a token that is not in the table.
        """
        tokens = [int(token) for token in tokens]
        wrong = [token for token in tokens if not 0 <= token < len(self.pieces)]
        if wrong:
            raise ValueError(f"tokens are 0 to {len(self.pieces) - 1}; got {wrong[0]}")
        return b"".join(self.pieces[token] for token in tokens).decode("utf-8", "replace")

    def shown(self, text: str) -> list[str]:
        """Return the text cut into its tokens, for the eye.

        >>> Tokens([(104, 105)]).shown("hide")
        ['hi', 'd', 'e']
        """
        return [self.pieces[token].decode("utf-8", "replace") for token in self.encode(text)]

    def _word(self, word: str) -> list[int]:
        if word not in self._words:
            tokens = list(word.encode())
            while found := [pair for pair in _pairs(tokens) if pair in self._rank]:
                first = min(found, key=self._rank.__getitem__)
                tokens = _merged(self._merge, tokens, first, BYTES + self._rank[first])
            self._words[word] = tokens
        return self._words[word]


def train(text: str, merges: int, merge: Merge = merge_pair) -> Tokens:
    """Return the tokens that a text is shortest in, pair by pair.

    Each round merges the pair that stands most often in the text (of equals, the smallest), until
    there are enough, or no pair stands there twice.

    Args:
        text: to count in.
        merges: tokens beside the 256 bytes, 0 or more.
        merge: function of tokens, pair and new token, as `merge_pair`.

    Raises:
        ValueError: a negative number of merges, or a `merge` that leaves the pair in place.

    Source: Sennrich, Haddow and Birch, Neural machine translation of rare words with subword
    units (2016); on bytes as in GPT-2.

    >>> train("hug hugs pug", 2).pieces[256:]
    [b'ug', b'hug']
    """
    if merges < 0:
        raise ValueError(f"merges is a whole number from 0 on; got {merges}")
    counts = Counter(split_words(text))
    words, times = [list(word.encode()) for word in counts], list(counts.values())
    seen: Counter[Pair] = Counter()
    where: dict[Pair, set[int]] = defaultdict(set)

    def add(number: int, sign: int) -> None:
        for pair in _pairs(words[number]):
            seen[pair] += sign * times[number]
            where[pair].add(number)

    for number in range(len(words)):
        add(number, 1)
    found: list[Pair] = []
    while len(found) < merges and seen:
        best = min(seen, key=lambda pair: (-seen[pair], pair))
        if seen[best] < 2:
            break
        found.append(best)
        for number in sorted(where.pop(best)):
            add(number, -1)
            words[number] = _merged(merge, words[number], best, BYTES + len(found) - 1)
            add(number, 1)
        del seen[best]
    return Tokens(found, merge)


def _pairs(tokens: Sequence[int]) -> list[Pair]:
    return list(pairwise(tokens))


def _merged(merge: Merge, tokens: list[int], pair: Pair, new: int) -> list[int]:
    """Return what `merge` makes of tokens; a merge that leaves the pair would never end."""
    if pair not in _pairs(tokens):
        return tokens  # it was here before another merge
    merged = [int(token) for token in merge(list(tokens), pair, new)]
    if pair in _pairs(merged) or len(merged) >= len(tokens):
        raise ValueError(f"merge({tokens}, {pair}, {new}) leaves the pair in place: {merged}")
    return merged
