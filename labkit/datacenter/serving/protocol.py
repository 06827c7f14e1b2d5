"""The open inference protocol, version 2: arrays as JSON, or as JSON followed by raw bytes.

The server and its clients share this module. What is wrong with a body is said in words, and
nothing in a body can make reading it take more memory than a small multiple of its size.

Source: Open Inference Protocol, https://github.com/kserve/open-inference-protocol, and its
extension for binary tensors, whose JSON has its length in a header.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

LENGTH = "inference-header-content-length"  # bytes of the JSON before the raw ones
JSON, BINARY = "application/json", "application/octet-stream"
FLOAT = np.dtype("<f4")
SHOWN = 80  # characters of what came that an error shows


class BadRequest(ValueError):
    """A body that does not say what the model needs, and why."""


def json_body(rows: Any, name: str = "input") -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a request whose numbers are text.

    Args:
        rows: (n, ...) numbers.

    >>> json_body([[0.5]])[0]
    b'{"inputs":[{"name":"input","shape":[1,1],"datatype":"FP32","data":[0.5]}]}'
    """
    return _json({"inputs": [json_tensor(np.asarray(rows, FLOAT), name)]}), {"content-type": JSON}


def binary_body(rows: Any, name: str = "input") -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a request whose numbers are raw bytes, as its answer's will be.

    Args:
        rows: (n, ...) numbers.
    """
    rows = np.ascontiguousarray(rows, FLOAT)
    head = {"inputs": [binary_tensor(rows, name)], "parameters": {"binary_data_output": True}}
    return joined(head, rows)


def joined(head: dict, rows: np.ndarray) -> tuple[bytes, dict[str, str]]:
    """Return JSON and the raw bytes of an array as one body, and its headers."""
    text = _json(head)
    return text + rows.astype(FLOAT).tobytes(), {"content-type": BINARY, LENGTH: str(len(text))}


def json_tensor(rows: np.ndarray, name: str) -> dict:
    """Return an array as a tensor of the protocol, its numbers in a flat list."""
    return _described(rows, name) | {"data": rows.ravel().tolist()}


def binary_tensor(rows: np.ndarray, name: str) -> dict:
    """Return an array as a tensor of the protocol whose numbers follow the JSON."""
    return _described(rows, name) | {"parameters": {"binary_data_size": rows.size * 4}}


def read_answer(body: bytes, headers: Mapping[str, str] | None = None) -> np.ndarray:
    """Return the first output of an answer.

    Args:
        body: of the response.
        headers: of the response, their names in any case.

    >>> rows, text = np.ones((2, 1)), {"outputs": [json_tensor(np.ones((2, 1)), "output")]}
    >>> np.array_equal(read_answer(json.dumps(text).encode()), rows)
    True
    """
    length = {k.lower(): v for k, v in (headers or {}).items()}.get(LENGTH)
    text, raw = _cut(body, length)
    output = json.loads(text)["outputs"][0]
    numbers = np.frombuffer(raw, FLOAT) if length else np.array(output["data"], FLOAT)
    return numbers.reshape(output["shape"])


def read_request(
    body: bytes, length: str | None, shape: tuple[int, ...], most: int
) -> tuple[np.ndarray, bool, str | None]:
    """Return rows of a request, whether the answer shall be raw bytes, and the request's id.

    Args:
        body: JSON, or JSON and raw bytes.
        length: bytes of the JSON, as the header says it; None where all is JSON.
        shape: of one row, as the model needs it.
        most: rows that there may be.

    Raises:
        BadRequest: what is wrong, in words.
    """
    text, raw = _cut(body, length)
    request = _parsed(text)
    tensor = _only_input(request)
    wanted = _shape(tensor, shape, most)
    rows = _numbers(tensor, wanted) if raw is None else _raw(tensor, raw, wanted)
    if not np.isfinite(rows).all():
        raise BadRequest("the data must be finite numbers that float32 can hold")
    return rows.reshape(wanted), _wants_binary(request), _id(request)


# --- one part of a request each -----------------------------------------------------------------


def _cut(body: bytes, length: str | None) -> tuple[bytes, bytes | None]:
    if length is None:
        return body, None
    if not (length.isascii() and length.isdigit() and len(length) < 12):
        raise BadRequest(f"{LENGTH} must be a number of bytes. Received: {_shown(length)}")
    if int(length) > len(body):
        raise BadRequest(f"{LENGTH} is {int(length)}, but the body has {len(body)} bytes")
    return body[: int(length)], body[int(length) :]


def _parsed(text: bytes) -> dict:
    try:
        request = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise BadRequest("the JSON is nested too deeply") from None
    except ValueError as error:  # UnicodeDecodeError too, and an int of too many digits
        raise BadRequest(f"the body is no JSON: {_shown(str(error))}") from None
    return _is(request, dict, "the body")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _only_input(request: dict) -> dict:
    inputs = _is(request.get("inputs"), list, "inputs")
    if len(inputs) != 1:
        raise BadRequest(f"inputs must hold one tensor. Received: {len(inputs)}")
    tensor = _is(inputs[0], dict, "inputs[0]")
    _is(tensor.get("name"), str, "name")
    if tensor.get("datatype") != "FP32":
        raise BadRequest(f"datatype must be FP32. Received: {_shown(tensor.get('datatype'))}")
    return tensor


def _shape(tensor: dict, shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Return the shape of the rows, when the model can take it."""
    said = _is(tensor.get("shape"), list, "shape")
    fits = len(said) == 1 + len(shape) and all(type(each) is int for each in said)
    if not (fits and 1 <= said[0] <= most and tuple(said[1:]) == shape):
        wanted = ", ".join(["n", *map(str, shape)])
        raise BadRequest(f"shape must be [{wanted}], n 1 to {most}. Received: {_shown(said)}")
    return tuple(said)


def _numbers(tensor: dict, wanted: tuple[int, ...]) -> np.ndarray:
    """Return the numbers of a list, flat or nested. Looked at before NumPy sees them.

    NumPy would make a number of a text, and of lists of texts an array as wide as the longest.
    """
    data = _is(tensor.get("data"), list, "data")
    flat = list(_unnested(data, wanted)) if data and isinstance(data[0], list) else data
    if len(flat) != math.prod(wanted):
        raise BadRequest(f"shape {list(wanted)} needs {math.prod(wanted)} numbers, not {len(flat)}")
    if not set(map(type, flat)) <= {int, float}:
        raise BadRequest("data must be numbers, in one list or in lists as the shape says")
    try:
        with np.errstate(over="ignore"):
            return np.array(flat, np.float64).astype(np.float32)
    except OverflowError:
        raise BadRequest("data must be numbers that float32 can hold") from None


def _unnested(data: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """Yield the numbers of lists in lists, each as long as the shape says."""
    if not isinstance(data, list) or len(data) != shape[0]:
        raise BadRequest(f"data must be one list, or lists as the shape says, here of {shape[0]}")
    if len(shape) == 1:
        yield from data
    else:
        for each in data:
            yield from _unnested(each, shape[1:])


def _raw(tensor: dict, raw: bytes, wanted: tuple[int, ...]) -> np.ndarray:
    size = 4 * math.prod(wanted)
    said = _is(tensor.get("parameters", {}), dict, "parameters").get("binary_data_size")
    if said != size or len(raw) != size or "data" in tensor:
        raise BadRequest(
            f"shape {list(wanted)} needs {size} bytes after the JSON, as binary_data_size says "
            f"too, and no data. Received: {len(raw)}, binary_data_size {_shown(said)}"
        )
    return np.frombuffer(raw, FLOAT).astype(np.float32)


def _wants_binary(request: dict) -> bool:
    """Return whether the answer shall be raw bytes, said for all outputs or for the only one."""
    outputs = _is(request.get("outputs", []), list, "outputs")
    if len(outputs) > 1:
        raise BadRequest(f"there is one output. Asked for: {len(outputs)}")
    wanted = _is(request.get("parameters", {}), dict, "parameters").get("binary_data_output", False)
    for output in outputs:
        own = _is(_is(output, dict, "outputs[0]").get("parameters", {}), dict, "parameters")
        wanted = own.get("binary_data", wanted)
    return _is(wanted, bool, "binary_data_output")


def _id(request: dict) -> str | None:
    said = request.get("id")
    return None if said is None else _is(said, str, "id")


def _is(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
        raise BadRequest(f"{what} must be {names[kind]}. Received: {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    """Return the begin of what came; a long list is not written out before it is cut."""
    if isinstance(value, list | dict) and len(value) > 8:
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    if isinstance(value, list) and any(isinstance(each, list | dict | str) for each in value):
        return f"a list of {len(value)}, not all numbers"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    return repr(value[:SHOWN] if isinstance(value, str) else value)[:SHOWN]


def _described(rows: np.ndarray, name: str) -> dict:
    return {"name": name, "shape": list(rows.shape), "datatype": "FP32"}


def _json(value: dict) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
