"""How the commands look: columns, color, links, the bar, and errors as sentences."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from labkit.lab.places import LessonError
from labkit.lab.words import cut, one_line, show

_WIDTH = 120  # columns of what is printed where no terminal tells its own
_LEAST = 24  # columns that a column which is cut keeps


def width() -> int:
    """Return the columns that there are."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns


def bold(text: str) -> str:
    """Return a text for a heading; where there is no terminal, click takes the style away."""
    return click.style(text, bold=True)


def colored(status: str) -> str:
    """Return a status, or words that begin with one, in the color that it has everywhere."""
    colors = {"finished": "green", "FAILED": "red", "failed": "red", "interrupted": "yellow"}
    color = next((color for word, color in colors.items() if status.startswith(word)), None)
    return click.style(status, fg=color) if color else status


def link(path: Path, text: str = "") -> str:
    """Return an address that can be clicked, with words in its place where terminals can do that.

    Where the output is no terminal it is the address itself.
    """
    address = Path(path).absolute().as_uri()
    if not text or not sys.stderr.isatty():
        return address
    return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"


def table(rows: Sequence[dict], cut_first: Sequence[str] = ()) -> list[str]:
    """Return rows as aligned lines, the names above them, no wider than the terminal.

    Args:
        rows: name -> cell, the same names in each row.
        cut_first: columns that are shortened where there is not room for all, in this order.
    """
    if not rows:
        return []
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    longest = [max(map(len, column)) for column in zip(*cells, strict=True)]
    widths = dict(zip(rows[0], longest, strict=True))
    for name in (name for name in cut_first if name in widths):
        too_wide = sum(widths.values()) + 2 * (len(widths) - 1) - width()
        widths[name] = max(min(_LEAST, widths[name]), widths[name] - max(0, too_wide))
    heading, *body = [_line(row, widths) for row in cells]
    return [bold(heading), *map(_with_status, body)]


def room_for(columns: dict[str, list], kept: Sequence[str]) -> list[str]:
    """Return which columns fit beside each other: those to be kept, then the others in order."""
    widths = {name: max(map(len, [name, *map(_cell, values)])) for name, values in columns.items()}
    left = width() - sum(widths[name] + 2 for name in kept)
    fitting = list(kept)
    for name in columns:
        if name not in kept and (left := left - widths[name] - 2) >= 0:
            fitting.append(name)
    return [name for name in columns if name in fitting]


def _cell(value) -> str:
    return one_line(value if isinstance(value, str) else "none" if value is None else show(value))


def _line(cells: Sequence[str], widths: dict[str, int]) -> str:
    pairs = zip(cells, widths.values(), strict=True)
    return "  ".join(f"{cut(text, width):<{width}}" for text, width in pairs).rstrip()


def _with_status(line: str) -> str:
    """Return a line of a table with its status in color: the widths are counted before."""
    for word in ("finished", "failed", "interrupted", "FAILED"):
        before, found, after = line.partition(f"  {word}")
        if found:
            return f"{before}  {colored(word)}{after}"
    return line


class Progress:
    """One bar on standard error over all cells of all lessons, with the lesson's name.

    Where standard error is no terminal there is no bar but a line as each lesson starts.
    """

    def __init__(self, lessons: Sequence):
        self._counts = [len(lesson.content["cells"]) for lesson in lessons]
        self._names = [lesson.name for lesson in lessons]
        self._lesson = -1
        self._closed = threading.Event()

    def __enter__(self):
        from tqdm import tqdm

        self._bar = tqdm(
            total=sum(self._counts),
            bar_format="{desc} {bar} {n}/{total} cells, {elapsed}",
            file=sys.stderr,
            leave=False,
            ncols=min(100, width()),
            nrows=24,  # a terminal that says it has none, as in a container, still gets the bar
            disable=None,  # no bar where standard error is no terminal
        )
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closed.set()
        self._bar.close()

    def cell(self, index: int, count: int) -> None:
        """Show that the cell with this index starts."""
        if index == 0:
            self._lesson += 1
        name = self._names[self._lesson]
        if self._bar.disable and index == 0:
            click.echo(f"Running {name} ({self._lesson + 1} of {len(self._names)})", err=True)
        done = sum(self._counts[: self._lesson])
        self._bar.n = done + min(index, self._counts[self._lesson])
        self._bar.set_description_str(name)

    def write(self, text: str) -> None:
        """Print a line on standard output, above the bar."""
        self._bar.clear()
        click.echo(text)
        self._bar.refresh()

    def _tick(self) -> None:
        while not self._closed.wait(1):  # a cell may take minutes; the clock should go on
            self._bar.refresh()


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let what ends a job on a cluster (SIGTERM), or a lost connection, stop it like Ctrl-C."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    is_main = threading.current_thread() is threading.main_thread()
    raising = signal.default_int_handler
    before = {n: signal.signal(getattr(signal, n), raising) for n in names if is_main}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


class Refused(click.ClickException):
    """A call that asks for what is not there or not allowed; nothing was done."""

    exit_code = 2


@contextmanager
def sentences(
    refused: tuple[type[Exception], ...] = (),
    stopped: str = "Stopped. Finished runs are kept; `labkit results` shows them.",
) -> Iterator[None]:
    """Turn the lab's own errors into one sentence on standard error.

    Exit status 2 for those named, 1 for others, 130 after Ctrl-C, which `stopped` tells.
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo(stopped, err=True)
        sys.exit(130)
    except BrokenPipeError:  # `labkit results | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except click.ClickException:
        raise
    except (LessonError, *refused) as error:
        raise Refused(str(error)) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
