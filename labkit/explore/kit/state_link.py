"""An explorer's settings as the end of an address: `#cell-id=explorer&rate=0.1&steps=20`.

The part behind # holds pairs name=value, written as a form does; `cell-id` names the cell of the
page, the same in all languages. Numbers, choices and texts stand there as they are, true and false
as words, lists as JSON, and a drawing as base64url. What may stand there is said by rules, plain
data, which a page gets with the explorer: js/state_link.js does the same there, and a twin test
holds the two together.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote_plus

Rule = dict[str, Any]
Rules = Mapping[str, Rule]

CELL = "cell-id"
EIGHTHS = 8  # places of a drawing in a pixel
NEAREST = 4  # eighths of a pixel; a point nearer to the last one is left out
_END = 255  # of a stroke; no place is that far right or down
_LONGEST = 40  # letters of a value in a message
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)


# --- rules ------------------------------------------------------------------------------------


def number(low: float, high: float, whole: bool = False) -> Rule:
    """Return the rule of a number in [low, high], a whole one if `whole`."""
    return {"kind": "number", "low": low, "high": high, "whole": whole}


def number_by(name: str, bounds: Mapping[str, Sequence[float]]) -> Rule:
    """Return the rule of a number whose range hangs on the value of setting `name`."""
    ends = {key: [float(low), float(high)] for key, (low, high) in bounds.items()}
    return {"kind": "number", "whole": False, "by": name, "bounds": ends}


def choice(options: Iterable) -> Rule:
    """Return the rule of one of some texts or numbers."""
    return {"kind": "choice", "options": list(options)}


def flag() -> Rule:
    """Return the rule of true or false."""
    return {"kind": "flag"}


def text(most: int) -> Rule:
    """Return the rule of a text of at most so many letters."""
    return {"kind": "text", "most": most}


def numbers(count: int, low: float, high: float) -> Rule:
    """Return the rule of a list of so many numbers in [low, high]."""
    return {"kind": "numbers", "count": count, "low": low, "high": high}


def names(options: Iterable[str]) -> Rule:
    """Return the rule of a list of some of these names."""
    return {"kind": "names", "options": list(options)}


def records(rules: Rules) -> Rule:
    """Return the rule of a list of settings, each a complete one under these rules."""
    return {"kind": "records", "rules": dict(rules)}


def strokes(side: int, most: int) -> Rule:
    """Return the rule of a drawing: strokes x, y, x, y, ... in pixels of a field.

    Args:
        side: of the field in pixels, at most 31.
        most: numbers in all strokes.
    """
    return {"kind": "strokes", "side": side, "most": most}


def filters(columns: Iterable[str]) -> Rule:
    """Return the rule of filters: column -> {"values": [...]} or {"low": ..., "high": ...}."""
    return {"kind": "filters", "columns": list(columns)}


# --- writing and reading ------------------------------------------------------------------------


def as_hash(cell: str, values: Mapping[str, Any], rules: Rules) -> str:
    """Return the end of an address that says in which cell an explorer is set to what.

    Args:
        cell: id of the cell; "" on a page that has none.
        values: settings; those that are None or have no rule are left out.
        rules: setting -> rule, in the order of the link.

    >>> as_hash("explorer", {"rate": 0.1, "steps": 20}, {"steps": number(0, 500, whole=True)})
    '#cell-id=explorer&steps=20'
    """
    pairs = [(CELL, cell)] if cell else []
    pairs += [
        (name, _written(rule, values[name]))
        for name, rule in rules.items()
        if values.get(name) is not None
    ]
    return "#" + "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def split_hash(hash: str) -> tuple[str, dict[str, str]]:
    """Return the cell that the end of an address names, "" for none, and its settings as texts.

    >>> split_hash("#cell-id=explorer&steps=20")
    ('explorer', {'steps': '20'})
    """
    pairs = dict(parse_qsl(hash.removeprefix("#"), keep_blank_values=True))
    return pairs.pop(CELL, ""), pairs


def read_settings(
    given: Mapping[str, str], rules: Rules, own: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return settings of a link as values.

    Args:
        given: setting -> text.
        rules: setting -> rule.
        own: settings that hold where the link says nothing.

    Raises:
        ValueError: there is no such setting, or it cannot have this value; the message says what
            is allowed.

    >>> read_settings({"steps": "20"}, {"steps": number(0, 500, whole=True)})
    {'steps': 20}
    >>> read_settings({"steps": "501"}, {"steps": number(0, 500, whole=True)})
    Traceback (most recent call last):
    ValueError: steps = 501; use a whole number in [0, 500]
    """
    for name in given:
        if name not in rules:
            raise ValueError(f"there is no setting {_clipped(name)}; there are: {', '.join(rules)}")
    values = {name: _read(rules[name], given[name]) for name in rules if name in given}
    merged = {**(own or {}), **values}
    for name, value in values.items():
        if wanted := _wanted(rules[name], value, merged):
            raise ValueError(f"{name} = {_clipped(given[name])}; {wanted}")
    return values


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _quoted(text: str) -> str:
    """Return a text as a form writes it in an address."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def _written(rule: Rule, value: Any) -> str:
    if rule["kind"] == "strokes":
        return strokes_as_text(value)
    if rule["kind"] == "records":
        value = [{name: each[name] for name in rule["rules"]} for each in value]
    return value if isinstance(value, str) else as_json(value)


def _read(rule: Rule, text: str) -> Any:
    """Return a value from its text, None where there is none of this kind."""
    match rule["kind"]:
        case "text":
            return text
        case "number":
            return _number(text)
        case "flag":
            return {"true": True, "false": False}.get(text)
        case "choice":
            return next((each for each in rule["options"] if _plain(each) == text), None)
        case "strokes":
            return strokes_from_text(text)
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        return None


def _no_number(word: str) -> None:
    raise ValueError(f"JSON has no {word}")


def _plain(option: Any) -> str:
    return option if isinstance(option, str) else as_json(option)


def _number(text: str) -> float | int | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(value: Any, low: float, high: float) -> bool:
    return _is_number(value) and low <= value <= high


def _is_list(value: Any, fits: Any) -> bool:
    return isinstance(value, list) and all(fits(each) for each in value)


def _wanted(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    """Return "" if a value is allowed, else what is."""
    return _CHECKS[rule["kind"]](rule, value, settings)


def _check_number(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    ends = rule["bounds"].get(settings.get(rule["by"])) if "by" in rule else None
    low, high = ends or (rule.get("low", 0), rule.get("high", 0))
    fits = _between(value, low, high) and (not rule["whole"] or value == int(value))
    kind = "whole number" if rule["whole"] else "number"
    return "" if fits else f"use a {kind} in [{as_json(low)}, {as_json(high)}]"


def _check_choice(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    options = rule["options"]
    fits = any(type(each) is type(value) and each == value for each in options)
    return "" if fits else f"use one of: {', '.join(map(_plain, options)) or 'none'}"


def _check_flag(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    return "" if isinstance(value, bool) else "use true or false"


def _check_text(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    fits = isinstance(value, str) and len(value) <= rule["most"]
    return "" if fits else f"use at most {rule['most']} letters"


def _check_numbers(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    low, high, count = rule["low"], rule["high"], rule["count"]
    fits = _is_list(value, lambda each: _between(each, low, high)) and len(value) == count
    return "" if fits else f"use {count} numbers in [{as_json(low)}, {as_json(high)}]"


def _check_names(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    options = rule["options"]
    fits = _is_list(value, lambda each: isinstance(each, str) and each in options)
    return "" if fits else f"use some of: {', '.join(options) or 'none'}"


def _check_records(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    rules = rule["rules"]
    if not _is_list(value, lambda each: isinstance(each, dict) and set(each) == set(rules)):
        return f"use a list of settings, each with: {', '.join(rules)}"
    for each in value:
        for name in rules:
            if wanted := _wanted(rules[name], each[name], each):
                return f"for {name} {wanted}"
    return ""


def _check_strokes(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    fits = isinstance(value, list) and sum(map(len, value)) <= rule["most"]
    inside = fits and all(at <= rule["side"] for stroke in value for at in stroke)
    return "" if inside else f"use a drawing as such a link holds it, {rule['side']} pixels wide"


def _check_filters(rule: Rule, value: Any, settings: Mapping[str, Any]) -> str:
    columns = rule["columns"]
    fits = isinstance(value, dict) and all(
        name in columns and _is_filter(each) for name, each in value.items()
    )
    return "" if fits else f"use values, or low and high, of: {', '.join(columns) or 'none'}"


def _is_filter(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if set(value) == {"values"}:
        return _is_list(value["values"], lambda each: not isinstance(each, list | dict))
    return set(value) == {"low", "high"} and all(_is_number(each) for each in value.values())


_CHECKS = {
    "number": _check_number,
    "choice": _check_choice,
    "flag": _check_flag,
    "text": _check_text,
    "numbers": _check_numbers,
    "names": _check_names,
    "records": _check_records,
    "strokes": _check_strokes,
    "filters": _check_filters,
}


# --- plain data as JavaScript writes it -----------------------------------------------------------


def as_json(value: Any) -> str:
    """Return plain data as JavaScript's JSON.stringify writes it: 1.0 is 1.

    >>> as_json([1.0, 1e-7, {"a": True}])
    '[1,1e-7,{"a":true}]'
    """
    if isinstance(value, Mapping):
        pairs = (f"{as_json(name)}:{as_json(each)}" for name, each in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(as_json, value))}]"
    if _is_number(value):
        return _as_number(float(value)) if math.isfinite(value) else "null"
    return json.dumps(value, ensure_ascii=False)


def _as_number(value: float) -> str:
    if value == 0:
        return "0"
    mantissa, _, power = repr(value).partition("e")
    exponent = math.floor(math.log10(abs(value))) if not power else int(power)
    if -7 <= exponent < 21 and not (power and exponent == -7):
        plain = f"{Decimal(repr(value)):f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return f"{mantissa.removesuffix('.0')}e{exponent:+d}"


# --- drawings -------------------------------------------------------------------------------------


def strokes_as_text(drawing: Sequence[Sequence[float]]) -> str:
    """Return a drawing as base64url: eighths of a pixel, a byte each; 255 ends a stroke.

    Points nearer than half a pixel to the one before them are left out, but for a stroke's last.

    >>> strokes_as_text([[0, 0, 28, 0]])
    'AADgAP8'
    """
    out = bytearray()
    for stroke in drawing:
        places = [math.floor(EIGHTHS * at + 0.5) for at in stroke]
        points = list(zip(places[::2], places[1::2], strict=True))
        kept = None
        for at, point in enumerate(points):
            last = at == len(points) - 1
            if kept is None or last or math.dist(point, kept) >= NEAREST:
                kept = point
                out += bytes(point)
        out.append(_END)
    return base64.urlsafe_b64encode(bytes(out)).decode().rstrip("=")


def strokes_from_text(text: str) -> list[list[float]] | None:
    """Return the drawing of such a text, None where it holds none.

    >>> strokes_from_text("AADgAP8")
    [[0.0, 0.0, 28.0, 0.0]]
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    found: list[list[float]] = []
    stroke: list[float] = []
    for byte in data:
        if byte != _END:
            stroke.append(byte / EIGHTHS)
        elif len(stroke) < 2 or len(stroke) % 2:
            return None
        else:
            found.append(stroke)
            stroke = []
    return None if stroke else found
