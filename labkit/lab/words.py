"""How numbers, durations, counts and causes read, in a terminal, a notebook and a page alike.

And what names tell: which way of a result is better.
"""

import re
from typing import Any


def show(value: Any) -> str:
    """Return a value as it is read: numbers to four digits.

    >>> show(0.123456), show([1, 2.0]), show(None)
    ('0.1235', '[1, 2]', 'None')
    """
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def count(number: int, what: str) -> str:
    """Return a number of things.

    >>> count(1, "run"), count(5000, "run")
    ('1 run', '5,000 runs')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> duration(7.2), duration(48), duration(200)
    ('under 10 s', 'about 50 s', 'about 3 min')
    """
    if seconds < 10:
        return "under 10 s"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s"
    return f"about {seconds / 60:.0f} min"


def short_time(seconds: float) -> str:
    """Return a short time with three digits, in the unit that suits it.

    >>> short_time(4.38), short_time(0.00123), short_time(4.2e-8)
    ('4.38 s', '1.23 ms', '0.042 µs')
    """
    if seconds >= 0.9995:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def clock(seconds: float) -> str:
    """Return a duration as a clock shows it.

    >>> clock(7.2), clock(200), clock(7300)
    ('0:07', '3:20', '2:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def cut(text: str, longest: int) -> str:
    """Return a text with at most so many characters; an ellipsis says that it goes on.

    >>> cut("gradient descent", 9)
    'gradient…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def one_line(text: str) -> str:
    r"""Return a text without what a terminal would obey: line ends and control characters.

    >>> one_line("a  b\n c\x1b")
    'a b c�'
    """
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


# --- which way is better ------------------------------------------------------------------------


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that tell which way of a result is better; a plural tells the same as its singular.
_HIGHER = _set("""
    accuracy acc score f1 auc auroc precision recall sensitivity specificity tpr true iou dice r2
    bleu psnr ssim kappa mcc likelihood reward gain lead speedup improvement reduction saving saved
    throughput goodput speed efficiency availability uptime success hit correct quality""")
_LOWER = _set("""
    loss error err mistake miss mse mae rmse mape nll crossentropy perplexity divergence regret
    excess penalty harm latency delay seconds minutes hours energy joule kwh watt pue emission cost
    brier ece wer cer fid fpr fnr false failure failed timeout dropped overfitting""")
# These do so only at the end of a name: `training_time`, but not `time_split`.
_AMOUNTS = _set("""
    time duration steps epochs iterations size memory byte kb mb gb ms us ns s gap""")
# What makes another thing of them: their spread, their change, where they were reached.
_OTHER = _set("""
    found caught detected change difference delta std deviation variance margin interval spread
    ratio threshold target weight scale baseline index rank step epoch""")
_ENDINGS = _set("""
    test train training val validation mean average avg median total final last best worst peak
    max min percent point""")
_PREPOSITIONS = _set("""
    of per in at after before with without to over from for by against on minus vs than when until
    during under""")
_PER = _set("s ms second minute hour day joule kwh watt dollar")  # images_per_second
_OPPONENTS = _set("attack attacker leak")  # whose success is somebody's harm
_KNOWN = _HIGHER | _LOWER | _AMOUNTS | _OTHER | _ENDINGS | _OPPONENTS | _PREPOSITIONS


def better(name: str) -> str | None:
    """Return whether the highest ("max") or the lowest ("min") of a result is best, by its name.

    The last telling word before the first preposition decides: `seconds_per_epoch` are seconds, and
    `time_split_accuracy` is an accuracy. In doubt the answer is None.

    >>> [better(name) for name in ("result.time_split_accuracy", "seconds_per_epoch", "answer")]
    ['max', 'min', None]
    >>> [better(name) for name in ("size_in_bytes", "images_per_second", "accuracy_loss")]
    ['min', 'max', None]
    """
    words = _words(name)
    cut = next((at for at, word in enumerate(words) if word in _PREPOSITIONS), len(words))
    if words[cut : cut + 1] == ["per"] and _PER & set(words[cut + 1 : cut + 2]):
        return "min" if _LOWER & set(words[:cut]) else "max"  # so many for each second
    return _told(words[:cut])


def _told(words: list[str]) -> str | None:
    if _OPPONENTS & set(words):
        return None
    at_the_end = True
    for at in reversed(range(len(words))):
        word = words[at]
        if word in _OTHER:
            return None
        if word in _HIGHER:
            return "max"
        if word in _LOWER or (word in _AMOUNTS and at_the_end):
            # An "accuracy_loss" may be a loss of accuracy, or the two of them.
            return None if at and words[at - 1] in _HIGHER else "min"
        at_the_end &= word in _ENDINGS or re.fullmatch(r"[pv]?\d+", word) is not None
    return None


def _words(name: str) -> list[str]:
    """Return the words of a name, known ones in the singular: 'result.valLosses' -> val, loss."""
    bare = re.sub(r"^(param|result|env)\.", "", name)
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()
    parted = parted.replace("cross_entropy", "crossentropy")
    return [_singular(word) for word in re.split(r"[^a-z0-9]+", parted) if word]


def _singular(word: str) -> str:
    if word in _KNOWN:
        return word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending) and word.removesuffix(ending) + instead in _KNOWN:
            return word.removesuffix(ending) + instead
    return word
