"""The open inference protocol: arrays there and back, and bodies that a machine has spoiled."""

import json
import random
import tracemalloc

import numpy as np
import pytest

from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.protocol import BadRequest

SHAPE, MOST = (2, 3), 4


def read(body, headers):
    return protocol.read_request(body, headers.get(protocol.LENGTH), SHAPE, MOST)


@pytest.mark.parametrize("form", [protocol.json_body, protocol.binary_body])
def test_an_array_comes_back_bit_for_bit(form):
    sent = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32) * 1e30
    rows, binary, name = read(*form(sent))
    assert np.array_equal(rows, sent)
    assert (binary, name) == (form is protocol.binary_body, None)
    assert rows.dtype == np.float32


def test_the_example_of_the_protocol_is_read():
    """The tensor of the protocol's own text, in both of the forms that it allows."""
    flat = {"name": "input-0", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}
    nested = flat | {"data": [[1, 2], [3, 4]]}
    for tensor in (flat, nested):
        text = json.dumps({"id": "42", "inputs": [tensor], "outputs": [{"name": "output-0"}]})
        rows, binary, name = protocol.read_request(text.encode(), None, (2,), 2)
        assert rows.tolist() == [[1, 2], [3, 4]]
        assert (binary, name) == (False, "42")


@pytest.mark.parametrize("form", [protocol.json_body, protocol.binary_body])
def test_a_spoiled_body_is_a_bad_request_or_numbers_of_the_shape(form):
    r = random.Random(0)
    body, headers = form(np.ones((3, *SHAPE)))
    words = [b"NaN", b"null", b'"', b"[", b"]", b"{", b"}", b"1e999", b"-", b",", b"\xff", b"true"]
    told = []
    for _ in range(3000):
        spoiled = bytearray(body)
        for _ in range(r.randint(1, 3)):
            at = r.randrange(len(spoiled))
            spoiled[at : at + r.randint(0, 3)] = r.choice([*words, bytes([r.randrange(256)])])
        try:
            rows, _, _ = read(bytes(spoiled), headers)
            assert rows.shape[1:] == SHAPE
            assert np.isfinite(rows).all()
        except BadRequest as error:
            told.append(str(error))
    assert len(told) > 500
    assert all(0 < len(words) < 300 for words in told)


def test_no_body_takes_many_times_its_size():
    """NumPy alone would make 32 texts as wide as the longest of them: 640 MB here."""
    long = json.dumps(["x" * 5_000_000, *["y"] * 31])
    tensor = {"name": "x", "shape": [4, 8], "datatype": "FP32"}
    body = json.dumps({"inputs": [tensor]})[:-3].encode() + b', "data": ' + long.encode() + b"}]}"
    tracemalloc.start()
    with pytest.raises(BadRequest, match="data must be numbers"):
        protocol.read_request(body, None, (8,), 4)
    assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    tracemalloc.stop()
