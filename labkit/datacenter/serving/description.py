"""What a server says of itself in /openapi.json: schemas of requests and answers, plain data."""

from __future__ import annotations

import math

from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.models import Model

ERRORS = {
    400: "what is wrong with the body",
    401: "no token, or a wrong one",
    403: "the token's role is not enough",
    408: "the request came too slowly",
    413: "the body is too large",
    415: "the body is neither JSON nor raw bytes, or is compressed",
    421: "the request is for another host",
    429: "more requests than this client may send: try again after Retry-After seconds",
    500: "the model, or the admission rule, failed",
    503: "not admitted: try again after Retry-After seconds",
    504: "it waited longer than its patience",
}


def tensor(name: str, shape: tuple[int, ...]) -> dict:
    """Return what a model's metadata say of its input or output."""
    return {"name": name, "datatype": "FP32", "shape": [-1, *shape]}


def documented(*statuses: int) -> dict:
    """Return the description of answers that tell an error."""
    schema = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    content = {"application/json": {"schema": schema}}
    return {status: {"description": ERRORS[status], "content": content} for status in statuses}


def answers() -> dict:
    """Return the description of all answers to a request for the model's outputs."""
    output = {"type": "object", "required": ["name", "shape", "datatype"]}
    properties = {"outputs": {"type": "array", "items": output}}
    schema = {"type": "object", "properties": properties, "required": ["outputs"]}
    raw = {"type": "string", "format": "binary"}
    content = {protocol.JSON: {"schema": schema}, protocol.BINARY: {"schema": raw}}
    return {
        200: {"description": "the outputs", "content": content},
        **documented(*ERRORS),
    }


def request_body(model: Model, max_batch: int) -> dict:
    """Return the description of a request's body.

    No schema can say that shape and data must fit each other; for one row at most it is exact.
    """
    rows = {"type": "integer", "minimum": 1, "maximum": max_batch}
    sizes = [rows, *({"type": "integer", "const": size} for size in model.inputs)]
    counted = {"minItems": len(sizes), "maxItems": len(sizes)}
    tensor_schema = _object(
        name={"type": "string"},
        shape={"type": "array", "prefixItems": sizes, "items": {"type": "integer"}} | counted,
        datatype={"type": "string", "const": "FP32"},
        data={"anyOf": [_numbers(model, max_batch), _nested(model, max_batch)]},
    )
    output = {"type": "object", "properties": {"parameters": _flags("binary_data")}}
    body = _object(inputs={"type": "array", "items": tensor_schema, "minItems": 1, "maxItems": 1})
    body["properties"] |= {
        "id": {"type": ["string", "null"]},
        "outputs": {"type": "array", "items": output, "maxItems": 1},
        "parameters": _flags("binary_data_output"),
    }
    return {"requestBody": {"required": True, "content": {protocol.JSON: {"schema": body}}}}


def _object(**properties: dict) -> dict:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _flags(name: str) -> dict:
    return {"type": "object", "properties": {name: {"type": "boolean"}}}


def _numbers(model: Model, rows: int) -> dict:
    """Return the schema of one list with all numbers."""
    # From half a step above the largest float32 on, rounding gives infinity.
    size, most = math.prod(model.inputs), (2 - 2**-24) * 2.0**127
    number = {"type": "number", "exclusiveMinimum": -most, "exclusiveMaximum": most}
    return {"type": "array", "items": number, "minItems": size, "maxItems": rows * size}


def _nested(model: Model, rows: int) -> dict:
    """Return the schema of lists in lists."""
    schema = _numbers(model, rows)["items"]
    for size in reversed(model.inputs):
        schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return {"type": "array", "items": schema, "minItems": 1, "maxItems": rows}
