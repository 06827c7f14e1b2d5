"""When explorers try themselves, and how they say what is wrong."""

import os


class ExplorerError(RuntimeError):
    """An explorer fails, or breaks the kit's rules, at settings a learner can reach."""


def headless() -> bool:
    """Return whether no one is there to turn the controls: a run of `labkit run` or a test."""
    return os.environ.get("LABKIT_HEADLESS") == "1"


def walks() -> bool:
    """Return whether an explorer walks through its settings when it is shown; not in a sweep."""
    return headless() and os.environ.get("LABKIT_WALK") != "0"


def sentence(error: Exception) -> str:
    """Return an error in words.

    >>> sentence(KeyError("far end"))
    "KeyError: 'far end'."
    """
    return f"{type(error).__name__}: {str(error).rstrip('.')}."
