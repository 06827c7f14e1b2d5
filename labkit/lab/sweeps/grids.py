"""What a sweep tries: values, ranges and the rows of a file, turned into parameters of runs.

A range is `low..high:N` (N values, evenly spaced), `low..high:log:N` (evenly spaced logarithms) or,
to draw from, `low..high` and `low..high:log`. All else is a value of the parameter, never code.
"""

import csv
import io
import itertools
import json
import math
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab.parameters import Parameter, ParameterError, validate

LARGEST = 100_000  # runs of one sweep
_NUMBER = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_RANGE = re.compile(rf"\s*{_NUMBER}\.\.{_NUMBER}(?::(log|linear))?(?::(\d+))?\s*")
_NOTATION = (
    "write a range as low..high:N (N values evenly spaced), low..high:log:N (N values evenly "
    "spaced in their logarithm), or low..high or low..high:log to draw from with --sample K"
)


class SweepError(ValueError):
    """A sweep that makes no sense; the message says what is allowed and what to do."""


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included."""

    parameter: Parameter
    low: float
    high: float
    log: bool = False

    def at(self, place: float) -> Any:
        """Return the number that lies at a place between 0 and 1 along the range.

        >>> Range(Parameter("rate", 0.1, "float"), 0.01, 1, log=True).at(0.5)
        0.1
        """
        value = self._between(self.low, self.high, place)
        if self.parameter.type == "int":
            value = min(max(round(value), math.ceil(self.low)), math.floor(self.high))
        else:  # six digits read well; rounding must not leave the range
            value = min(max(float(f"{value:.6g}"), self.low), self.high)
        return self.parameter.convert(value)

    def draw(self, place: float) -> Any:
        """Return the number that a random place between 0 and 1 draws; each whole one may come.

        >>> epochs = Range(Parameter("epochs", 5, "int"), 1, 3)
        >>> [epochs.draw(place) for place in (0.1, 0.5, 0.9)]
        [1, 2, 3]
        """
        if self.parameter.type != "int":
            return self.at(place)
        value = math.floor(self._between(self.low, self.high + 1, place))
        return self.parameter.convert(min(value, self.high))

    def _between(self, low: float, high: float, place: float) -> float:
        if self.log:
            return math.exp(math.log(low) + place * math.log(high / low))
        return low + place * (high - low)

    def spaced(self, count: int) -> list:
        """Return this many values, the ends included.

        >>> Range(Parameter("rate", 0.1, "float"), 0.001, 1, log=True).spaced(4)
        [0.001, 0.01, 0.1, 1.0]
        """
        return [self.at(place / (count - 1)) for place in range(count)]


def parse_grid(schema: dict[str, Parameter], texts: Iterable[str]) -> dict[str, list | Range]:
    """Return {name: values or Range} from command-line texts such as 'rate=0.1,0.2'.

    Raises:
        SweepError, ParameterError: a text that cannot be read, an unknown name, a bad value.

    >>> parse_grid({"rate": Parameter("rate", 0.1, "float")}, ["rate=0.001..1:log:4"])
    {'rate': [0.001, 0.01, 0.1, 1.0]}
    """
    grid: dict[str, list | Range] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals:
            raise SweepError(f"{text!r} is not NAME=VALUES, such as learning_rate=0.1,0.01")
        if name in grid:
            raise SweepError(f"{name} is given twice; write all its values once: {name}=v1,v2")
        grid[name] = _from_text(_known(schema, name), values)
    return grid


def check_grid(schema: dict[str, Parameter], grid: dict[str, Any]) -> dict[str, list | Range]:
    """Return {name: values or Range} from a Python or YAML grid such as {"rate": [0.1, 0.2]}.

    A text is read as on the command line, unless the parameter itself is a text; a single value
    holds for all runs.

    >>> check_grid({"rate": Parameter("rate", 0.1, "float")}, {"rate": [1, "1e-3"]})
    {'rate': [1.0, 0.001]}
    """
    if not isinstance(grid, dict):
        raise SweepError(f"a grid is a mapping of names to values, not a {type(grid).__name__}")
    return {name: _from_data(_known(schema, name), values) for name, values in grid.items()}


def read_file(path: str | Path, schema: dict[str, Parameter]) -> tuple[list[dict], dict]:
    """Return (rows, grid) of a file of parameters, all checked.

    A CSV file has the names in its first line and a run a row; an empty cell leaves the lesson's
    default. A YAML file has a list of mappings (a run each) or one mapping of names to values.

    Raises:
        SweepError: it cannot be read; the message names file and row.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "points.yml").write_text("rate: [0.1, 0.2]")
    ...     read_file(f"{folder}/points.yml", {"rate": Parameter("rate", 0.1, "float")})
    ([], {'rate': [0.1, 0.2]})
    """
    path = Path(path).expanduser()
    try:
        text = path.read_bytes().decode("utf-8-sig")  # line ends inside a value stay as they are
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SweepError(f"Cannot read {path}: {reason}") from error
    if path.suffix.lower() == ".csv":
        return _csv_rows(path, text, schema), {}
    if path.suffix.lower() in (".yaml", ".yml"):
        return _yaml_rows(path, text, schema)
    raise SweepError(f"{path} is of an unknown kind; points are read from .csv, .yaml and .yml")


def check_rows(schema: dict[str, Parameter], rows: Iterable[dict], where: str = "row") -> list:
    """Return rows of parameters as checked ones; texts stand for what they stand for in a shell.

    >>> check_rows({"rate": Parameter("rate", 0.1, "float")}, [{"rate": "1e-3"}, {"rate": 1}])
    [{'rate': 0.001}, {'rate': 1.0}]
    """
    return [_checked_row(schema, row, f"{where} {n}") for n, row in enumerate(rows, start=1)]


def combine(
    schema: dict[str, Parameter],
    rows: list[dict],
    grid: dict[str, list | Range],
    *,
    repeats: int = 1,
    sample: int | None = None,
    seed: int = 0,
) -> tuple[list[dict], int]:
    """Return (all parameters of each run, how many were left out as duplicates).

    Each row is combined with each point of the grid (or each of `sample` points drawn from it),
    and that with `repeats` seeds, counted up from the seed that the point has.

    Raises:
        SweepError: nothing or far too much to run, or settings that contradict each other.

    >>> schema = {"rate": Parameter("rate", 0.1, "float"), "seed": Parameter("seed", 0, "int")}
    >>> combine(schema, [], {"rate": [0.5]}, repeats=2)
    ([{'rate': 0.5, 'seed': 0}, {'rate': 0.5, 'seed': 1}], 0)
    """
    both = sorted({name for row in rows for name in row} & set(grid))
    if both:
        raise SweepError(f"{', '.join(both)}: in the file and in the grid; leave one of them out")
    _check_counts(repeats, sample, grid, rows)
    if repeats > 1:
        _check_repeats(schema, grid, rows)
    points = _cross(grid) if sample is None else _draw(grid, sample, seed)
    size = math.prod(map(_size, grid.values())) if sample is None else sample
    size *= max(1, len(rows)) * repeats
    if size > LARGEST:
        raise SweepError(
            f"That makes {size:,} runs; at most {LARGEST:,} are allowed. Use fewer values, or draw "
            "some points with --sample K"
        )
    runs: dict[str, dict] = {}
    for row, point in itertools.product(rows or [{}], points):
        values = validate(schema, row | point)
        for again in range(repeats):
            if again:
                values = values | {"seed": schema["seed"].convert(values["seed"] + 1)}
            runs.setdefault(json.dumps(values, sort_keys=True), values)
    return list(runs.values()), size - len(runs)


# --- checks -------------------------------------------------------------------------------------


def whole(value: Any, name: str, low: int, what: str) -> int:
    """Return a whole number of at least `low`, or raise a SweepError.

    >>> whole(3, "repeats", 1, "how often each point runs")
    3
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise SweepError(f"{name} = {value!r} is not allowed; it is {what}: {low} or more")
    return value


def _check_counts(repeats, sample, grid, rows) -> None:
    whole(repeats, "repeats", 1, "how often each point runs, with another seed each time")
    if sample is not None:
        whole(sample, "sample", 1, "how many points to draw from the grid")
        if not grid:
            raise SweepError("--sample draws from the values given with -g; give at least one -g")
    if not grid and not rows and repeats == 1:
        raise SweepError(
            "Nothing to sweep: give values (-g learning_rate=0.1,0.01), a file (--points FILE), "
            "or --repeats N"
        )
    open_ranges = [name for name, values in grid.items() if isinstance(values, Range)]
    if open_ranges and sample is None:
        name = open_ranges[0]
        raise SweepError(
            f"{name} is a range to draw from: add --sample K, or say how many values it has; "
            f"{_NOTATION}"
        )


def _check_repeats(schema, grid, rows) -> None:
    if "seed" not in schema or schema["seed"].type != "int":
        raise SweepError(
            "repeats needs a lesson with a whole-number parameter 'seed'; this one has: "
            f"{', '.join(schema) or 'no parameters'}. Leave --repeats out: without a seed each "
            "repeat would be the same run"
        )
    if "seed" in grid or any("seed" in row for row in rows):
        raise SweepError("seed is swept and repeated; give either seeds or --repeats N")


def _known(schema: dict[str, Parameter], name: str) -> Parameter:
    if name not in schema:
        validate(schema, {name: None})  # raises, naming what is allowed
    return schema[name]


def _size(values: list | Range) -> int:
    return len(values) if isinstance(values, list) else 1


# --- values -------------------------------------------------------------------------------------


def _from_text(parameter: Parameter, text: str) -> list | Range:
    """Return the values that the right side of `-g name=...` stands for."""
    if parameter.type in ("int", "float") and ".." in text:
        return _range(parameter, text)
    values = [_parsed(parameter, part) for part in _split(parameter, text)]
    if not values:
        name, allowed = parameter.name, parameter.allowed
        raise SweepError(f"{name} has no values; give at least one: {name} is {allowed}")
    return values


def _from_data(parameter: Parameter, values: Any) -> list | Range:
    """Return the values that a Python or YAML object stands for."""
    if isinstance(values, str) and not parameter.type.startswith("str"):
        return _from_text(parameter, values)
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, range):
        values = list(values)
    if not isinstance(values, list | tuple):
        values = [values]
    if not values:
        raise SweepError(f"{parameter.name} has no values; give at least one")
    return [_one(parameter, value) for value in values]


def _one(parameter: Parameter, value: Any) -> Any:
    """Return one value given as data; a text for a number is read, as YAML leaves 1e-3 a text."""
    if isinstance(value, str) and parameter.type != "str":
        return _parsed(parameter, value)
    return parameter.convert(value)


def _parsed(parameter: Parameter, text: str) -> Any:
    return parameter.parse(text if parameter.type == "str" else text.strip())


def _split(parameter: Parameter, text: str) -> list[str]:
    """Return the values in a text: separated by commas, lists in brackets, texts quoted if need be.

    >>> _split(Parameter("note", "", "str"), 'plain,"with, comma"')
    ['plain', 'with, comma']
    """
    if not parameter.type.startswith("list["):
        return _cells(parameter.name, text)
    try:
        lists = json.loads(f"[{text}]")
    except json.JSONDecodeError:
        lists = [None]
    if not all(isinstance(each, list) for each in lists):
        name = parameter.name
        raise SweepError(
            f"{name}={text} is not allowed; {name} is {parameter.allowed}. Write each list in "
            f"brackets, in quotes for the shell: '{name}=[1,2],[3]'"
        )
    return [json.dumps(each) for each in lists]


def _cells(name: str, text: str) -> list[str]:
    if not text.strip():
        return []
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise SweepError(
            f"{name}={text!r} cannot be split at its commas ({error}); quote a text with commas "
            "as in CSV, or use a YAML file"
        ) from error


def _range(parameter: Parameter, text: str) -> list | Range:
    name, match = parameter.name, _RANGE.fullmatch(text)
    if match is None:
        raise SweepError(f"{name}={text} is not allowed; {_NOTATION}")
    low, high = (parameter.parse(end) for end in match.group(1, 2))
    if not low < high:
        raise SweepError(f"{name}={text} is empty; its low end must lie below its high end")
    if match[3] == "log" and low <= 0:
        raise SweepError(f"{name}={text} is not allowed; a logarithm needs numbers above 0")
    found = Range(parameter, low, high, match[3] == "log")
    if match[4] is None:
        return found
    count = int(match[4]) if len(match[4]) < 10 else LARGEST + 1
    if not 2 <= count <= LARGEST:
        raise SweepError(f"{name}={text} has {match[4]} values; allowed are 2 to {LARGEST:,}")
    return found.spaced(count)


# --- rows of a file -----------------------------------------------------------------------------


def _csv_rows(path: Path, text: str, schema: dict[str, Parameter]) -> list[dict]:
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise SweepError(f"{path} is not CSV: {error}") from error
    lines = [line for line in lines if line]
    if len(lines) < 2:
        raise SweepError(f"{path} has no rows; it needs names in its first line and a run a row")
    names = [name.strip() for name in lines[0]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SweepError(f"{path} has the column {twice[0]!r} twice")
    _check_names(path, names, schema)
    rows = []
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(names):
            raise SweepError(
                f"{path}, row {number} has {len(line)} cells, but there are {len(names)} columns"
            )
        filled = {name: cell for name, cell in zip(names, line, strict=True) if cell != ""}
        rows.append(_checked_row(schema, filled, f"{path}, row {number}"))
    return rows


def _yaml_rows(path: Path, text: str, schema: dict[str, Parameter]) -> tuple[list[dict], dict]:
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise SweepError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if isinstance(content, dict) and content:
        _check_names(path, content, schema)
        return [], check_grid(schema, content)
    if not isinstance(content, list) or not content:
        raise SweepError(
            f"{path} must be a list with a mapping of names to values for each run, or one "
            "mapping of names to lists of values"
        )
    return check_rows(schema, content, f"{path}, row"), {}


def _check_names(path: Path, names: Iterable, schema: dict[str, Parameter]) -> None:
    try:
        for name in names:
            _known(schema, name)
    except ParameterError as error:
        raise SweepError(f"{path}: {error}") from None


def _checked_row(schema: dict[str, Parameter], row: Any, where: str) -> dict:
    if not isinstance(row, dict):
        raise SweepError(f"{where} is {row!r}; it must be a mapping of names to values")
    try:
        return {name: _one(_known(schema, name), value) for name, value in row.items()}
    except ParameterError as error:
        raise SweepError(f"{where}: {error}") from None


# --- points of a grid ---------------------------------------------------------------------------


def _cross(grid: dict[str, list]) -> Iterable[dict]:
    """Return every combination, the last parameter changing fastest; one empty point of no grid."""
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _draw(grid: dict[str, list | Range], count: int, seed: int) -> Iterable[dict]:
    """Return points drawn at random; a larger count begins with the same ones."""
    draw = random.Random(seed)
    for _ in range(count):
        places = {name: draw.random() for name in grid}
        yield {name: _pick(values, places[name]) for name, values in grid.items()}


def _pick(values: list | Range, place: float) -> Any:
    if isinstance(values, Range):
        return values.draw(place)
    return values[int(place * len(values))]
