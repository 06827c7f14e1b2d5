"""Whatever a function gives back, every check says something, and the lab itself does not fail."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas
import pytest
from every_exercise import all_exercises

EXERCISES = all_exercises()


class Hostile:
    """An object that does not compare, does not convert and cannot be shown."""

    def __eq__(self, other):
        raise RuntimeError("no comparing")

    def __array__(self, *_, **__):
        raise RuntimeError("no converting")

    def __repr__(self):
        raise RuntimeError("no showing")

    def __len__(self):
        raise RuntimeError("no counting")

    def __iter__(self):
        raise RuntimeError("no walking")

    __hash__ = None


def endless():
    inside = []
    inside.append(inside)
    return inside


ODD = {
    "hostile": Hostile(),
    "hostiles": [Hostile(), Hostile()],
    "endless list": endless(),
    "ragged": [[1], [2, 3]],
    "empty list": [],
    "empty tuple": (),
    "empty array": np.array([]),
    "empty table": np.zeros((0, 3)),
    "five axes": np.zeros((1, 2, 1, 2, 1)),
    "nan": float("nan"),
    "infinity": np.inf,
    "huge": 10**400,
    "tiny": 5e-324,
    "complex": np.array([1j, 2]),
    "bytes": b"12",
    "text": "12",
    "words": np.array(["a", "b"]),
    "objects": np.array([None, {}], dtype=object),
    "date": datetime.date(2024, 1, 1),
    "dates": np.array(["2024-01-01"], dtype="datetime64[D]"),
    "record": np.zeros(2, dtype=[("a", float), ("b", int)]),
    "masked": np.ma.masked_array([1.0, 2.0], mask=[True, False]),
    "frame": pandas.DataFrame({"a": [1.0, None], "b": ["x", "y"]}),
    "series": pandas.Series([1.0, 2.0], index=["a", "b"]),
    "matrix": np.matrix([[1.0, 2.0]]),
    "decimal": Decimal("0.1"),
    "fraction": Fraction(1, 3),
    "range": range(3),
    "iterator": iter([1, 2]),
    "dictionary": {"a": 1},
    "keys": {"a": 1}.keys(),
    "set": {1, 2},
    "function": len,
    "type": int,
    "module": np,
    "exception": ValueError("no"),
    "not implemented": NotImplemented,
    "true": True,
    "slice": slice(3),
    "nested": [((1, [2]), None), "a"],
    "ellipses": (..., ...),
    "large": np.arange(3e4),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", EXERCISES)
def test_odd_things_are_wrong_and_nothing_fails(name):
    exercise = EXERCISES[name]
    for odd, thing in ODD.items():
        answer = thing if exercise.cases is None else lambda *_, thing=thing: thing
        feedback = exercise.check(answer)
        assert not feedback.ok, odd
        assert feedback.message, odd
        assert "<" not in feedback._repr_html_().replace("<code>", "").split(">", 1)[1][:5]
        assert len(feedback.message) < 900, (odd, feedback.message)
