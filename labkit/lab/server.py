"""What JupyterLab's pages ask of the lab: how far each lesson is, and what was guessed in one.

An extension of Jupyter's own server, which etc/jupyter/jupyter_server_config.d/labkit.json turns
on. Both answers are JSON; so is what goes wrong, with a message.
"""

import asyncio
import json
import re

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from labkit.lab import progress
from labkit.lab.pages import contents


def guesses(lesson: str) -> dict:
    """Return the names of a lesson's predictions that were made, in the order of their names.

    Args:
        lesson: its number, "01".

    Raises:
        ValueError: this is not the number of a lesson.

    >>> guesses("1")
    Traceback (most recent call last):
    ...
    ValueError: '1' is not the number of a lesson: give two digits, such as lesson=01.
    """
    if not re.fullmatch(r"[0-9]{2}", lesson):
        raise ValueError(
            f"{lesson!r} is not the number of a lesson: give two digits, such as lesson=01."
        )
    made = {
        line["name"]
        for line in progress.read()
        if line["what"] == "guess" and line["lesson"] == lesson
    }
    return {"lesson": lesson, "names": sorted(made)}


class _Handler(APIHandler):
    async def answer(self, question, *arguments):
        """Send what question(*arguments) returns; it may read files, so it gets a thread."""
        try:
            found = await asyncio.to_thread(question, *arguments)
        except (ValueError, OSError) as error:
            self.set_status(400 if isinstance(error, ValueError) else 500)
            found = {"message": str(error)}
        self.finish(json.dumps(found))  # in ASCII: half a character in a name can be sent


class OverviewHandler(_Handler):
    """GET labkit/overview: a list with one object for each lesson."""

    @web.authenticated
    async def get(self):
        """Send labkit.lab.pages.contents.overview()."""
        await self.answer(contents.overview)


class GuessesHandler(_Handler):
    """GET labkit/guesses?lesson=01: the predictions of a lesson that were made."""

    @web.authenticated
    async def get(self):
        """Send guesses(lesson)."""
        await self.answer(guesses, self.get_query_argument("lesson", ""))


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "labkit.lab.server"}]


def _load_jupyter_server_extension(server) -> None:
    base = server.web_app.settings["base_url"]
    pages = {"overview": OverviewHandler, "guesses": GuessesHandler}
    handlers = [(url_path_join(base, "labkit", name), page) for name, page in pages.items()]
    server.web_app.add_handlers(".*$", handlers)
