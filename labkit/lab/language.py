"""Which language the lab speaks: LABKIT_LANG, English unless it says zh."""

import os

LANGUAGES = ("en", "zh")
VARIABLE = "LABKIT_LANG"


class LanguageError(ValueError):
    """A language that the lab does not speak; the message lists those it does."""


def language() -> str:
    """Return the language of lessons and of what the lab says: "en" or "zh".

    Raises:
        LanguageError: LABKIT_LANG names another one.

    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, LABKIT_LANG="zh"):
    ...     language()
    'zh'
    """
    named = os.environ.get(VARIABLE) or "en"
    if named not in LANGUAGES:
        raise LanguageError(
            f"{VARIABLE} is {named!r}; the lab speaks: {', '.join(LANGUAGES)}. Set it to one of "
            "them, or unset it."
        )
    return named
