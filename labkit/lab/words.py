"""How numbers, durations, counts and causes read, in a terminal, a notebook and a page alike."""

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
