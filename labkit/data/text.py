"""Text that every Python brings along, as numbers; and n-grams, the baseline of every text model.

The text is the language reference of Python, as `help()` shows it. Characters are numbers from 0
to 95 (`ALPHABET`), whatever version the text comes from, so that networks keep their size.
Lessons: 14_attention, 16_language_models.
"""

from __future__ import annotations

import hashlib
import platform
import re
import unicodedata
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.data.packaged import DataError

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))  # line end and the printable ASCII characters
_TYPOGRAPHY = str.maketrans("‘’“”–—", "''\"\"--")

# Characters and SHA-256 of all topics in their order, as published. Other versions of Python bring
# other texts: they are used as well, and `source` says which it was.
KNOWN = {
    "3.11.7": (464970, "37d06970fc926e60c16dff401e441b84752446a36b6b64516c229fdec77e992c"),
    "3.12.1": (492155, "64a4b3fd3c33d73d0d6368b5fba69d5086fa75e6f73f091235eab317fe823719"),
    "3.13.0": (510586, "a68b7f5ba5e4f20a336cdc120f82b2921abdbdf57087aa6603ec52f342ce5a1c"),
}


@dataclass(frozen=True)
class Text:
    """A text as numbers, cut into a part for training and a part for testing.

    Attributes:
        train, test: positions in `ALPHABET`, uint8, shape (characters,); the test part is the
            end of the text and follows the training part.
        repeated: share of the characters that stood in paragraphs repeated word by word; they
            are left out unless asked for.
        source: which text was used, in words; lessons record it.
    """

    train: np.ndarray
    test: np.ndarray
    repeated: float
    source: str


def load_text(test_fraction: float = 0.1, keep_repeated: bool = False) -> Text:
    """Return the language reference of Python (`pydoc_data.topics`) for training and testing.

    The topics quote each other: about a fifth of the text stands there twice. Every paragraph is
    kept once, where it first occurs. Otherwise the test part would hold what was trained on.

    Args:
        test_fraction: share of the characters at the end that are held out, in (0, 1).
        keep_repeated: True for the text as it comes, repeated paragraphs and all.

    Raises:
        ValueError: a fraction outside (0, 1).
        DataError: this Python was installed without the text.

    >>> text = load_text()
    >>> decode(text.train[:13])
    'The "assert" '
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction lies between 0 and 1; got {test_fraction!r}")
    found = topics()
    parts = [re.split(r"\n\n+", _ascii(text).strip()) for text in found.values()]
    paragraphs = [paragraph for part in parts for paragraph in part]
    first: dict[str, str] = {}
    for paragraph in paragraphs:
        first.setdefault(" ".join(paragraph.split()), paragraph)
    once = list(first.values())
    used = paragraphs if keep_repeated else once
    codes = encode("\n\n".join(used))
    cut = round(len(codes) * (1 - test_fraction))
    repeated = 1 - sum(map(len, once)) / sum(map(len, paragraphs))
    how = "as it comes" if keep_repeated else "each paragraph once"
    source = f"{_describe(found)}; {how}: {cut:,} characters to train, {len(codes) - cut:,} to test"
    return Text(codes[:cut], codes[cut:], repeated, source)


CODE = ("argparse", "inspect", "calendar", "textwrap", "shutil")  # each one file of every Python


def load_code(test_fraction: float = 0.1) -> Text:
    """Return the source of some of Python's own modules (`CODE`) for training and testing.

    Other text than `load_text`, with words in common: programs, not what is said about them.

    Args:
        test_fraction: share of the characters at the end that are held out, in (0, 1).

    Raises:
        ValueError: a fraction outside (0, 1).
        DataError: this Python was installed without its source.

    >>> decode(load_code().train[:35])
    '# Author: Steven J. Bethard <steven'
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction lies between 0 and 1; got {test_fraction!r}")
    paths = [Path(found.origin or "") for name in CODE if (found := util.find_spec(name))]
    if len(paths) < len(CODE) or not all(path.suffix == ".py" for path in paths):
        raise DataError(
            f"The source of {', '.join(CODE)} comes with Python, but not with this one. Pythons of "
            "python.org, conda, uv and the Linux distributions have it."
        )
    codes = encode("\n\n".join(path.read_text(encoding="utf-8").strip() for path in paths))
    cut = round(len(codes) * (1 - test_fraction))
    names = f"source of {', '.join(CODE)}, Python {platform.python_version()}"
    source = f"{names}: {cut:,} characters to train, {len(codes) - cut:,} to test"
    return Text(codes[:cut], codes[cut:], 0.0, source)


def encode(text: str) -> np.ndarray:
    r"""Return the positions of the characters in `ALPHABET`, uint8; those not in it become "?".

    >>> encode("a\n~").tolist()
    [66, 0, 95]
    """
    raw = np.frombuffer(_ascii(text).encode("ascii"), np.uint8)
    return np.where(raw == 10, 0, raw - 31).astype(np.uint8)


def decode(codes: ArrayLike) -> str:
    r"""Return the text of these positions in `ALPHABET`.

    >>> decode([66, 0, 95])
    'a\n~'
    """
    return "".join(ALPHABET[code] for code in np.asarray(codes, int).ravel())


def windows(codes: np.ndarray, length: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces of a text and, for each place, the character that comes next.

    Args:
        codes: the text, shape (characters,).
        length: characters of a piece.
        step: characters from the start of one piece to the start of the next.

    Returns:
        (x, y): int32, both (pieces, length); y is x one character later.

    Raises:
        ValueError: a text shorter than a piece and the character after it.

    >>> x, y = windows(np.arange(6), length=3, step=2)
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [2, 3, 4]], [[1, 2, 3], [3, 4, 5]])
    """
    if len(codes) <= length:
        raise ValueError(f"a text of {len(codes)} characters has no piece of {length} + 1")
    pieces = np.lib.stride_tricks.sliding_window_view(codes, length + 1)[::step].astype(np.int32)
    return np.ascontiguousarray(pieces[:, :-1]), np.ascontiguousarray(pieces[:, 1:])


# --- n-grams ------------------------------------------------------------------------------------


class _Table(NamedTuple):
    """Counts of one order: of each n-gram, and of each context (the n-gram without its end)."""

    grams: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    kinds: np.ndarray  # how many different characters follow each context
    discount: float


class NGram:
    """The next character from the last `order` - 1 ones, by counting (interpolated Kneser-Ney).

    Every count gives up a discount; what is saved in a context goes to the characters that the
    next shorter context expects. Shorter contexts count in how many *different* places something
    stands, not how often.

    Args:
        codes: the text to count in, whole numbers from 0 to `vocabulary` - 1.
        order: characters of an n-gram, 1 to 9 (96^9 is the last that fits into 64 bits).
        vocabulary: number of different characters.

    Raises:
        ValueError: an order outside 1 to 9, or a text shorter than that.

    Source: Kneser and Ney, Improved backing-off for m-gram language modeling (1995), interpolated
    as by Chen and Goodman, An empirical study of smoothing techniques for language modeling (1999).

    >>> model = NGram(encode("ababababac"), order=2)
    >>> p = model.probabilities(encode("a"))
    >>> decode([p.argmax()]), round(float(p.sum()), 6)
    ('b', 1.0)
    """

    def __init__(self, codes: np.ndarray, order: int, vocabulary: int = len(ALPHABET)):
        if not 1 <= order <= 9 or len(codes) < order:
            raise ValueError(
                f"order is a whole number from 1 to 9 and at most the length of the text; got "
                f"order={order!r} for {len(codes)} characters"
            )
        self.order, self.vocabulary = order, vocabulary
        grams, counts = np.unique(self._grams(codes, order), return_counts=True)
        self.tables = [self._table(grams, counts)]
        for length in range(order - 1, 0, -1):
            # In how many different places (after which different characters) does each end stand?
            grams, counts = np.unique(grams % vocabulary**length, return_counts=True)
            self.tables.insert(0, self._table(grams, counts))

    def losses(self, codes: np.ndarray, history: np.ndarray) -> np.ndarray:
        """Return -log probability (in nats) of each character of a text, shape (characters,).

        Args:
            codes: the text.
            history: what stands before it, at least `order` - 1 characters.
        """
        long = np.concatenate([history[len(history) - self.order + 1 :], codes])
        return -np.log(self._probability(self._grams(long, self.order)))

    def probabilities(self, context: np.ndarray) -> np.ndarray:
        """Return the probability of every next character, shape (..., vocabulary).

        Args:
            context: what stands before it, shape (..., at least `order` - 1).
        """
        context = np.asarray(context)
        rows = int(np.prod(context.shape[:-1]))
        last = context[..., context.shape[-1] - self.order + 1 :].reshape(rows, self.order - 1)
        base = last.astype(np.int64) @ self.vocabulary ** np.arange(self.order - 1, 0, -1)
        p = self._probability((base[:, None] + np.arange(self.vocabulary)).ravel())
        return p.reshape(*context.shape[:-1], self.vocabulary)

    def told(self, lines: np.ndarray, first: int) -> np.ndarray:
        """Return the likeliest character at each place of some lines, given what is before it.

        Args:
            lines: shape (n, places).
            first: the place to begin with; at least `order` - 1 stand before it.

        Returns:
            shape (n, places - first).
        """
        before = np.lib.stride_tricks.sliding_window_view(lines, self.order - 1, axis=1)
        contexts = before[:, first - self.order + 1 : lines.shape[1] - self.order + 1]
        return self.probabilities(contexts).argmax(axis=-1)

    def _grams(self, codes: np.ndarray, length: int) -> np.ndarray:
        """Return each n-gram of a text as one number."""
        pieces = np.lib.stride_tricks.sliding_window_view(np.asarray(codes, np.int64), length)
        return pieces @ self.vocabulary ** np.arange(length - 1, -1, -1)

    def _table(self, grams: np.ndarray, counts: np.ndarray) -> _Table:
        contexts, first = np.unique(grams // self.vocabulary, return_index=True)
        totals = np.add.reduceat(counts, first)
        kinds = np.diff(np.append(first, len(grams)))
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        # Ney's estimate; kept inside so that seen and unseen characters both keep something.
        discount = float(np.clip(once / max(once + 2 * twice, 1), 0.1, 0.9))
        return _Table(grams, counts, contexts, totals, kinds, discount)

    def _probability(self, grams: np.ndarray) -> np.ndarray:
        p = np.full(len(grams), 1 / self.vocabulary)
        for length, table in enumerate(self.tables, start=1):
            ends = grams % self.vocabulary**length
            context = ends // self.vocabulary
            count = _lookup(table.grams, table.counts, ends)
            total = _lookup(table.contexts, table.totals, context)
            saved = table.discount * _lookup(table.contexts, table.kinds, context)
            seen = np.maximum(count - table.discount, 0) + saved * p
            p = np.where(total > 0, seen / np.maximum(total, 1), p)
        return p


def _lookup(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the value of each wanted key, 0 where there is none; the keys are sorted."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


# --- the topics ---------------------------------------------------------------------------------


def text_path() -> Path:
    """Return the file of this Python that holds the text.

    Raises:
        DataError: this Python was installed without the text.
    """
    found = util.find_spec("pydoc_data") and util.find_spec("pydoc_data.topics")
    if not found:
        raise DataError(
            "The language reference (pydoc_data.topics) is a part of Python, but this Python was "
            "installed without it. Some systems pack it apart: on Debian and Ubuntu it comes with "
            "`apt install libpython3-stdlib`; Pythons of python.org, conda and uv have it."
        )
    return Path(found.origin)


def topics() -> dict[str, str]:
    """Return the text of each topic by its name, as `help()` shows them.

    Raises:
        DataError: this Python was installed without the text.
    """
    text_path()
    from pydoc_data.topics import topics

    return topics


def _describe(topics: dict[str, str]) -> str:
    whole = "".join(topics.values())
    found = hashlib.sha256(whole.encode()).hexdigest()
    version = platform.python_version()
    known = [v for v, (_, sha256) in KNOWN.items() if sha256 == found]
    state = (
        f"as in Python {known[0]}" if known else f"not one of those listed, SHA-256 {found[:12]}"
    )
    return f"language reference of Python {version} ({len(whole):,} characters, {state})"


def _ascii(text: str) -> str:
    """Return the text in printable ASCII: typographic marks as plain ones, accents dropped."""
    plain = unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHY))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^\n -~]", "?", plain)
