import json
import math
from pathlib import Path

import numpy as np
import pytest

from labkit.lab.parameters import (
    Parameter,
    ParameterError,
    parse_cell,
    parse_texts,
    read_parameters,
    validate,
)

CELL = """\
learning_rate: float = 1  # step size, in [0.001, 2]
optimizer = "sgd"  # update rule, one of: sgd, momentum, adam
epochs = 5  # passes over the data, in [1, 100]
shuffle = True  # new order in each epoch
sizes = [8, 16]  # channels, in [1, 512]
start: float | None = None  # where to start
note = ""  # free text
"""
SCHEMA = parse_cell(CELL)


def refusal(**given) -> str:
    with pytest.raises(ParameterError) as error:
        validate(SCHEMA, given)
    return str(error.value)


def kept(name, value):
    return validate(SCHEMA, {name: value})[name]


def test_a_cell_becomes_a_typed_schema():
    assert SCHEMA["learning_rate"] == Parameter(
        "learning_rate", 1.0, "float", help="step size, in [0.001, 2]", low=0.001, high=2.0
    )
    assert SCHEMA["optimizer"].choices == ("sgd", "momentum", "adam")
    assert SCHEMA["sizes"].type == "list[int]"
    assert SCHEMA["start"].optional
    assert [p.type for p in SCHEMA.values()][2:4] == ["int", "bool"]


def test_defaults_are_kept_in_order_and_given_values_replace_them():
    values = validate(SCHEMA, {"epochs": 3})
    assert list(values) == list(SCHEMA)
    assert values["epochs"] == 3
    assert values["optimizer"] == "sgd"


def test_a_misspelt_name_is_refused_with_the_likely_one_and_all_allowed():
    message = refusal(learning_rat=0.1)
    assert "'learning_rat'" in message
    assert "Did you mean 'learning_rate'?" in message
    assert "optimizer, epochs" in message


def test_a_name_like_no_other_gets_no_guess():
    assert "Did you mean" not in refusal(zzz=1)
    with pytest.raises(ParameterError, match="There is no parameter 3"):
        validate(SCHEMA, {3: 1})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("learning_rate", "0.1", "a number from 0.001 to 2"),
        ("learning_rate", True, "a number from 0.001 to 2"),
        ("learning_rate", None, "a number from 0.001 to 2"),
        ("learning_rate", math.nan, "a number from 0.001 to 2"),
        ("learning_rate", math.inf, "a number from 0.001 to 2"),
        ("learning_rate", 2.1, "a number from 0.001 to 2"),
        ("learning_rate", 10**400, "a number from 0.001 to 2"),
        ("learning_rate", [0.1], "a number from 0.001 to 2"),
        ("start", math.nan, "a number, neither nan nor infinite (or none)"),
        ("start", math.inf, "a number, neither nan nor infinite (or none)"),
        ("epochs", 2.5, "a whole number from 1 to 100"),
        ("epochs", True, "a whole number from 1 to 100"),
        ("epochs", 0, "a whole number from 1 to 100"),
        pytest.param("epochs", 10**5000, "a whole number from 1 to 100", id="no repr"),
        ("shuffle", 1, "true or false"),
        ("shuffle", "yes", "true or false"),
        ("optimizer", "adm", "one of: sgd, momentum, adam"),
        ("optimizer", 3, "one of: sgd, momentum, adam"),
        ("sizes", 8, "a list of whole numbers from 1 to 512"),
        ("sizes", "8", "a list of whole numbers from 1 to 512"),
        ("sizes", [8, 0], "a list of whole numbers from 1 to 512"),
        ("sizes", [8, [9]], "a list of whole numbers from 1 to 512"),
        ("sizes", {8, 9}, "a list of whole numbers from 1 to 512"),
        ("note", 3, "text"),
        ("note", b"bytes", "text"),
        ("note", "\ud800", "text"),  # half a character: no file could keep it
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_came_and_what_is_allowed(
    name, value, allowed
):
    message = refusal(**{name: value})
    assert message.startswith(f"{name} = ")
    assert message.endswith(f"{name} is {allowed}")
    assert len(message) < 200


def test_a_huge_value_is_shown_shortened():
    assert len(refusal(optimizer="x" * 10**6)) < 200


def test_a_list_of_thousands_is_refused():
    assert refusal(sizes=[1] * 1001) == "sizes has 1001 items; at most 1000 are allowed"
    assert kept("sizes", [1] * 1000) == [1] * 1000


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("learning_rate", 1, 1.0),
        ("learning_rate", np.float32(0.5), 0.5),
        ("learning_rate", np.array(0.5), 0.5),
        ("epochs", np.int64(3), 3),
        ("epochs", 3.0, 3),
        ("shuffle", np.bool_(False), False),
        ("optimizer", np.str_("adam"), "adam"),
        ("sizes", (8, 9), [8, 9]),
        ("sizes", np.array([8, 9]), [8, 9]),
        ("note", Path("a") / "b", "a/b"),
        ("start", None, None),
    ],
)
def test_numpy_values_tuples_and_paths_become_plain_values(name, value, expected):
    found = kept(name, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate=1e-2", 0.01),
        ("learning_rate=2", 2.0),
        ("epochs=1e1", 10),
        ("epochs= 7 ", 7),
        ("shuffle=FALSE", False),
        ("optimizer=adam", "adam"),
        ("sizes=8,16", [8, 16]),
        ("sizes=[8, 16]", [8, 16]),
        ("sizes=", []),
        ("start=none", None),
        ("start=-1.5", -1.5),
        ("note=", ""),
        ("note=a=b", "a=b"),
        ("note= kept as it is ", " kept as it is "),
        ("note=none", "none"),
        ('note="quoted"', '"quoted"'),
    ],
)
def test_command_line_texts(text, expected):
    (value,) = parse_texts(SCHEMA, [text]).values()
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["learning_rate"], "is not NAME=VALUE"),
        (["=1"], "no parameter ''"),
        (["lr=1"], "no parameter 'lr'"),
        (["epochs=2", "epochs=3"], "epochs is given twice"),
        (["epochs=many"], "epochs = 'many' is not allowed"),
        (["epochs="], "epochs = '' is not allowed"),
        (["learning_rate=nan"], "learning_rate = nan is not allowed"),
        (["learning_rate=" + "9" * 5000], "learning_rate = inf is not allowed"),
        (["shuffle=1"], "shuffle = '1' is not allowed"),
        (["sizes=[8,"], "sizes = '[8,' is not allowed"),
        (["sizes=8;16"], "sizes = '8;16' is not allowed"),
        (["start=None of these"], "start = 'None of these' is not allowed"),
    ],
)
def test_bad_command_line_texts(texts, reason):
    with pytest.raises(ParameterError, match=reason.replace("[", r"\[")):
        parse_texts(SCHEMA, texts)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rate = ", "line 2 of the parameters cell is not Python"),
        ("  rate = 1", "line 2 of the parameters cell is not Python"),
        ("%time", "line 2 of the parameters cell is not Python"),
        ("rate: int = 0.5", "rate = 0.5 is not allowed; rate is a whole number"),
        ("rate = 1e999", "rate = inf is not allowed"),
        ("rate = 3  # steps, in [0, 2]", "rate = 3 is not allowed"),
        ("rate = 3  # steps, in [2, 0]", "a range that cannot be used"),
        ("rate = 3  # steps, in [0 2]", "a range that cannot be used"),
        ("rate = 3  # steps, in [0, 2**32 - 1]", "a range that cannot be used"),
        ("rate = 3  # steps, in [0, 9], or so", "a range that cannot be used"),
        ("rate = 3  # steps, in [nan, 9]", "a range that cannot be used"),
        ("rate = 'a'  # steps, in [0, 2]", "a range that cannot be used"),
        ("rate = 'a'  # one of: b, c", "rate = 'a' is not allowed; rate is one of: b, c"),
        ("rate = 1  # one of: 1, two", "rate = 'two' is not allowed"),
        ("rate = [1, 'a']", "rate = 'a' is not allowed; rate is a list of whole numbers"),
        ("first = 2", "first is set twice"),
    ],
)
def test_a_bad_line_of_the_cell_is_named(line, reason):
    with pytest.raises(ParameterError, match="line 2 of the parameters cell") as error:
        parse_cell(f"first = 1  # fine\n{line}\nlast = 1")
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("line", "names", "reason"),
    [
        ("import os", ["os"], "not of the form `name = value  # help`: import os"),
        ("from os import path as where", ["where"], "not of the form"),
        ("a = b = 1", ["a", "b"], "not of the form"),
        ("a, b = 1, 2", ["a", "b"], "not of the form"),
        ("a: int", ["a"], "not of the form"),
        ("a.b = 1", [], ""),
        ("print(1)", [], ""),
        ("rate = 10 ** 2", ["rate"], "must be a plain value, not 10 ** 2"),
        ("rate = os.environ", ["rate"], "must be a plain value"),
        ("rate = None", ["rate"], "has type 'NoneType'; write `rate: TYPE = ...` with one of bool"),
        ("rate = {}", ["rate"], "has type 'dict'"),
        ("rate = (1, 2)", ["rate"], "has type 'tuple'"),
        ("rate: complex = 1", ["rate"], "has type 'complex'"),
        ("rate: int | str = 1", ["rate"], "has type 'int|str'"),
    ],
)
def test_a_line_that_is_no_parameter_is_run_as_it_stands_and_its_names_are_fixed(
    line, names, reason
):
    schema = parse_cell(f"first = 1  # fine\n{line}\nlast = 1")
    assert validate(schema, {"last": 2}) == {"first": 1, "last": 2}
    assert list(schema.fixed) == names
    for name in names:
        with pytest.raises(ParameterError, match=f"{name} cannot be set here. line 2") as error:
            validate(schema, {name: 1})
        assert reason in str(error.value)


@pytest.mark.parametrize(
    ("annotation", "allowed"),
    [
        ("float | None", "a number, neither nan nor infinite (or none)"),
        ("None | str", "text (or none)"),
        ("Optional[int]", "a whole number (or none)"),
        ("typing.Optional[list[int]]", "a list of whole numbers (or none)"),
        ("Literal['a', 'b'] | None", "one of: a, b (or none)"),
        ("typing.Literal['a', None]", "one of: a (or none)"),
    ],
)
def test_annotations_are_read_as_python_has_them(annotation, allowed):
    assert parse_cell(f"x: {annotation} = None")["x"].allowed == allowed


def test_choices_have_the_type_of_the_parameter():
    schema = parse_cell("size = 16  # one of: 8, 16\nplain = [1.0]  # one of: 1, 2.5")
    assert schema["size"].choices == (8, 16)
    assert schema["plain"].choices == (1.0, 2.5)
    assert schema["plain"].allowed == "a list of any of: 1.0, 2.5"


def test_a_value_may_span_lines_and_a_text_may_hold_a_hash():
    schema = parse_cell("sizes = [\n    8,\n    16,\n]  # channels\ncolor = '#fff'  # of a curve")
    assert schema["sizes"].default == [8, 16]
    assert schema["sizes"].help == "channels"
    assert schema["color"].default == "#fff"
    assert schema["color"].help == "of a curve"


def test_large_ranges_are_shown_whole():
    seed = parse_cell("seed = 0  # random seed, in [0, 4294967295]")["seed"]
    assert seed.allowed == "a whole number from 0 to 4294967295"
    assert seed.convert(4294967295) == 4294967295


def test_the_notebook_is_named_with_the_line(lab):
    path = lab.lesson(parameters="rate = 0.1\nrate2 = [")
    with pytest.raises(ParameterError, match=r"98_trial\.ipynb, line 2 of the parameters cell"):
        read_parameters(path)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": [{}]}', "no json", "\x00"])
def test_a_file_that_is_no_notebook_is_named(lab, content):
    path = lab.lesson()
    path.write_text(content)
    with pytest.raises(ParameterError, match=r"98_trial\.ipynb is not a readable notebook"):
        read_parameters(path)


def test_a_notebook_needs_one_parameters_cell(lab):
    path = lab.lesson("1", tags=["parameters"])
    with pytest.raises(ParameterError, match=r"98_trial\.ipynb needs one cell tagged.*it has 2"):
        read_parameters(path)
    notebook = json.loads(path.read_text())
    notebook["cells"] = notebook["cells"][:1]
    with pytest.raises(ParameterError, match="it has 0"):
        read_parameters(notebook)
