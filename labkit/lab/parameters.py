"""The parameters cell of a lesson: read it as a typed schema, refuse what does not fit.

A line of the cell is `name: type = default  # help text, in [low, high]` (numbers) or
`...  # help text, one of: a, b, c` (choices). The annotation may be left out where the default
tells the type. A line that is no such parameter (an import, a dictionary, a computed default)
is run as it stands: its names are fixed, and to set one is refused. papermill itself only warns
about a misspelt name, and checks no value at all.
"""

import ast
import difflib
import io
import json
import math
import os
import re
import tokenize
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_SCALARS = {"bool": bool, "int": int, "float": float, "str": str}
_TYPES = [*_SCALARS, *(f"list[{name}]" for name in _SCALARS)]
# What one value, and a list of values, of each type is called in messages.
_WORDS = {
    "bool": ("true or false", "true/false values"),
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "str": ("text", "texts"),
}
_LONGEST_LIST = 1000
_RANGE = re.compile(r"\bin \[\s*([^,\]]+?)\s*,\s*([^,\]]+?)\s*\]\s*$")
_CHOICES = re.compile(r"\bone of:\s*(.+?)\s*$")


class ParameterError(ValueError):
    """A parameter that a lesson does not take; the message names what is allowed."""


class _Fixed(ValueError):
    """A line whose names cannot be set from outside; the message says why."""


class Schema(dict[str, "Parameter"]):
    """Name -> Parameter in the order of the cell; `fixed` tells why other names cannot be set."""

    def __init__(self, *parameters: "Parameter"):
        super().__init__((parameter.name, parameter) for parameter in parameters)
        self.fixed: dict[str, str] = {}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    default: Any
    type: str  # bool, int, float, str or list[...] of one of them
    optional: bool = False  # None is allowed too
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple = ()

    @property
    def allowed(self) -> str:
        """What values are allowed, in words.

        >>> Parameter("epochs", 5, "int", low=1.0, high=100.0).allowed
        'a whole number from 1 to 100'
        """
        one, many = _WORDS[self._scalar]
        text = f"a list of {many}" if self._is_list else one
        if self.choices:
            text = "a list of any of: " if self._is_list else "one of: "
            text += ", ".join(map(str, self.choices))
        elif self.low is not None:
            text += f" from {_number(self.low)} to {_number(self.high)}"
        elif self._scalar == "float":
            text += ", neither nan nor infinite"
        return text + (" (or none)" if self.optional else "")

    def convert(self, value: Any) -> Any:
        """Return the value as this parameter's type.

        Raises:
            ParameterError: the value has another type or lies outside what is allowed.

        >>> Parameter("epochs", 5, "int", low=1, high=100).convert(3)
        3
        """
        if hasattr(value, "tolist"):  # NumPy scalars and arrays, which papermill turns into texts
            value = value.tolist()
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if value is None and self.optional:
            return None
        if not self._is_list:
            return self._one(value)
        if not isinstance(value, list | tuple):
            raise self._refuse(value)
        if len(value) > _LONGEST_LIST:
            raise ParameterError(
                f"{self.name} has {len(value)} items; at most {_LONGEST_LIST} are allowed"
            )
        return [self._one(item) for item in value]

    def parse(self, text: str) -> Any:
        """Return the value that a text from a command line stands for.

        >>> Parameter("sizes", [1], "list[int]").parse("8,16")
        [8, 16]
        """
        if self.optional and text.lower() == "none":
            return None
        if not self._is_list:
            return self.convert(self._parse_one(text))
        if text.lstrip().startswith("["):
            try:
                return self.convert(json.loads(text))
            except json.JSONDecodeError:
                raise self._refuse(text) from None
        return self.convert([self._parse_one(part) for part in text.split(",") if part.strip()])

    @property
    def _is_list(self) -> bool:
        return self.type.startswith("list[")

    @property
    def _scalar(self) -> str:
        return self.type.removeprefix("list[").removesuffix("]")

    def _parse_one(self, text: str) -> Any:
        if self._scalar == "str":
            return text
        text = text.strip()
        if self._scalar == "bool":
            return {"true": True, "false": False}.get(text.lower(), text)
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return text  # convert() refuses it, naming what is allowed

    def _one(self, value: Any) -> Any:
        """Return one value as this parameter's scalar type, or refuse it."""
        wanted = _SCALARS[self._scalar]
        if wanted is float and type(value) is int:
            value = float(value) if abs(value) < 10**300 else math.inf
        if wanted is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        # bool is a kind of int in Python, but True is no number of epochs.
        fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
        if not (fits and _is_storable(value) and self._is_allowed(value)):
            raise self._refuse(value)
        return wanted(value)

    def _is_allowed(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        return self.low is None or self.low <= value <= self.high

    def _refuse(self, value: Any) -> ParameterError:
        try:
            shown = repr(value)
        except Exception:  # an int of 5000 digits has no repr, and a stranger may break its own
            shown = f"a {type(value).__name__}"
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        name = self.name
        return ParameterError(f"{name} = {shown} is not allowed; {name} is {self.allowed}")


def read_parameters(notebook: str | Path | dict, name: str = "") -> Schema:
    """Return name -> Parameter of a lesson, in the order of its parameters cell.

    Args:
        notebook: the path of the notebook, or the notebook already read.
        name: what the notebook is called in messages; default its file name.

    Raises:
        ParameterError: there is no parameters cell, or a line of it cannot be understood.

    >>> cell = {"metadata": {"tags": ["parameters"]}, "source": "epochs = 5  # in [1, 100]"}
    >>> read_parameters({"cells": [cell]})["epochs"].high
    100.0
    """
    if not isinstance(notebook, dict):
        name, notebook = name or Path(notebook).name, _read_json(Path(notebook))
    name = name or "the notebook"
    tagged = [c for c in notebook["cells"] if "parameters" in (c["metadata"].get("tags") or [])]
    if len(tagged) != 1:
        raise ParameterError(f"{name} needs one cell tagged 'parameters'; it has {len(tagged)}")
    try:
        return parse_cell("".join(tagged[0]["source"]))
    except ParameterError as error:
        raise ParameterError(f"{name}, {error}") from None


def parse_cell(source: str) -> Schema:
    """Return the parameters that the source of a parameters cell declares.

    Raises:
        ParameterError: a line cannot be understood; the message names the line.

    >>> cell = 'learning_rate: float = 1  # step size, in [0.001, 2]'
    >>> parse_cell(cell)["learning_rate"].allowed
    'a number from 0.001 to 2'
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        where = f"line {error.lineno} of the parameters cell"
        raise ParameterError(f"{where} is not Python: {error.msg}") from None
    comments = _comments(source)
    found = Schema()
    for statement in statements:
        where = f"line {statement.lineno} of the parameters cell"
        try:
            parameter = _parse_line(statement, comments.get(statement.end_lineno, ""))
            if parameter.name in found:
                raise ParameterError(f"{parameter.name} is set twice")
            found[parameter.name] = parameter
        except _Fixed as reason:
            found.fixed |= dict.fromkeys(_names(statement), f"{where}: {reason}")
        except ParameterError as error:
            raise ParameterError(f"{where}: {error}") from None
    return found


def validate(schema: dict[str, Parameter], given: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters of a run: the defaults with the given values, checked, in order.

    Raises:
        ParameterError: an unknown name or a value that is not allowed.

    >>> schema = Schema(Parameter("epochs", 5, "int"), Parameter("seed", 0, "int"))
    >>> validate(schema, {"epochs": 3})
    {'epochs': 3, 'seed': 0}
    """
    for name in given:
        if name in getattr(schema, "fixed", ()):
            raise ParameterError(f"{name} cannot be set here. {schema.fixed[name]}")
        if name not in schema:
            close = difflib.get_close_matches(str(name), schema, n=1)
            guess = f" Did you mean {close[0]!r}?" if close else ""
            raise ParameterError(
                f"There is no parameter {name!r}.{guess} Allowed: {', '.join(schema) or 'none'}"
            )
    checked = {name: schema[name].convert(value) for name, value in given.items()}
    return {name: checked.get(name, parameter.default) for name, parameter in schema.items()}


def parse_texts(schema: dict[str, Parameter], texts: list[str]) -> dict[str, Any]:
    """Return {name: value} from command-line texts such as 'learning_rate=0.1'.

    Raises:
        ParameterError: a text without '=', an unknown name, a value that is not allowed, or
            the same name twice.

    >>> parse_texts(parse_cell("epochs = 5"), ["epochs=3"])
    {'epochs': 3}
    """
    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ParameterError(f"{text!r} is not NAME=VALUE, such as learning_rate=0.1")
        if name in given:
            raise ParameterError(f"{name} is given twice")
        if name in schema:
            given[name] = schema[name].parse(value)
        else:
            validate(schema, {name: value})  # raises, naming what is allowed
    return given


def _read_json(path: Path) -> dict:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        [cell["metadata"] for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{path} is not a readable notebook: {error!r}") from error
    return notebook


def _parse_line(statement: ast.stmt, help_text: str) -> Parameter:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return _parameter(name, value, None, help_text)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr() as value):
            return _parameter(name, value, kind, help_text)
    raise _Fixed(f"not of the form `name = value  # help`: {ast.unparse(statement)}")


def _names(statement: ast.stmt) -> list[str]:
    """Return the names that a statement gives a value, or declares."""
    bound = [n for n in ast.walk(statement) if isinstance(getattr(n, "ctx", None), ast.Store)]
    aliases = [a.asname or a.name for a in ast.walk(statement) if isinstance(a, ast.alias)]
    return [n.id for n in bound if isinstance(n, ast.Name)] + aliases


def _parameter(name: str, value: ast.expr, annotation: ast.expr | None, text: str) -> Parameter:
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise _Fixed(
            f"the default of {name} must be a plain value, not {ast.unparse(value)}"
        ) from None
    kind, optional, choices = _type_of(default), default is None, ()
    if annotation is not None:
        kind, may_be_none, choices = _annotated(annotation)
        optional = optional or may_be_none
    if kind not in _TYPES:
        raise _Fixed(
            f"{name} has type {kind!r}; write `{name}: TYPE = ...` with one of "
            f"{', '.join(_TYPES)}, each with or without `| None`"
        )
    bare = Parameter(name, default, kind, optional, text)
    low, high = _range(bare)
    full = replace(bare, low=low, high=high, choices=choices or _choices(bare))
    return replace(full, default=full.convert(default))


def _annotated(kind: ast.expr) -> tuple[str, bool, tuple]:
    """Return (type, whether None is allowed, choices) of an annotation."""
    match kind:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _annotated(left)[0], True, _annotated(left)[2]
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
            return _annotated(right)[0], True, _annotated(right)[2]
        case ast.Subscript(value=of, slice=inner) if ast.unparse(of).endswith("Optional"):
            return _annotated(inner)[0], True, _annotated(inner)[2]
        case ast.Subscript(value=of, slice=inner) if ast.unparse(of).endswith("Literal"):
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            given = [ast.literal_eval(item) for item in items]
            values = tuple(value for value in given if value is not None)
            return _type_of(values[0] if values else None), None in given, values
    return ast.unparse(kind).replace(" ", ""), False, ()


def _type_of(default: Any) -> str:
    if isinstance(default, list):
        return f"list[{type(default[0]).__name__}]" if default else "list[str]"
    return type(default).__name__


def _range(parameter: Parameter) -> tuple[float | None, float | None]:
    """Return (low, high) from a help text that ends in `in [low, high]`, else (None, None)."""
    match = _RANGE.search(parameter.help)
    if match is None and "in [" not in parameter.help:
        return None, None
    try:
        low, high = float(match[1]), float(match[2])
    except (TypeError, ValueError):  # no match, or no numbers
        low, high = 1.0, 0.0
    if not low <= high or parameter._scalar not in ("int", "float"):
        raise ParameterError(
            f"the help of {parameter.name} has a range that cannot be used: {parameter.help!r}. "
            "It ends in `in [low, high]`, two numbers, and belongs to a number"
        )
    return low, high


def _choices(parameter: Parameter) -> tuple:
    """Return the choices that a help text ending in `one of: a, b` lists, else ()."""
    match = _CHOICES.search(parameter.help)
    if match is None:
        return ()
    return tuple(parameter._one(parameter._parse_one(part.strip())) for part in match[1].split(","))


def _is_storable(value: Any) -> bool:
    """Whether JSON, the notebook and the table can all keep this value as it is."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return abs(value) < 2**63


def _number(value: float) -> str:
    is_whole = float(value).is_integer() and abs(value) < 2**63
    return str(int(value)) if is_whole else f"{value:g}"


def _comments(source: str) -> dict[int, str]:
    """Return line number -> comment text."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}
