import json
import math

import pytest

from labkit.lab.parameters import ParameterError, parse_cell
from labkit.lab.sweeps import grids
from labkit.lab.sweeps.grids import Range, SweepError, check_grid, combine, parse_grid, read_file

CELL = """
rate: float = 0.1  # step size, in [0.001, 1]
epochs = 3  # passes, in [1, 10]
note = "a"  # text
optimizer = "sgd"  # rule, one of: sgd, adam
sizes = [8]  # layers
flag = True  # flag
maybe: int | None = None  # or none
seed = 0  # random seed, in [0, 1000]
"""
SCHEMA = parse_cell(CELL)
UNSEEDED = {name: parameter for name, parameter in SCHEMA.items() if name != "seed"}


def points(*texts, rows=(), **how):
    """Return the varied parameters of the points of a grid given as on a command line."""
    grid = parse_grid(SCHEMA, texts)
    runs, _ = combine(SCHEMA, list(rows), grid, **how)
    return [{name: run[name] for name in grid} for run in runs]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("rate=0.1,1", [0.1, 1.0]),
        ("rate= 0.1 , 1e-2", [0.1, 0.01]),
        ("rate=0.25..1:4", [0.25, 0.5, 0.75, 1.0]),
        ("rate=0.25..1:linear:4", [0.25, 0.5, 0.75, 1.0]),
        ("rate=0.001..1:log:4", [0.001, 0.01, 0.1, 1.0]),
        ("rate=1e-3..1e0:log:2", [0.001, 1.0]),
        ("epochs=1..10:4", [1, 4, 7, 10]),
        ("epochs=1..9:log:3", [1, 3, 9]),
        ("optimizer=adam,sgd", ["adam", "sgd"]),
        ("flag=true,false", [True, False]),
        ("maybe=none,3", [None, 3]),
        ("sizes=[8,16],[32]", [[8, 16], [32]]),
        ('note=plain,"with, comma","say ""hi"""', ["plain", "with, comma", 'say "hi"']),
        ("note=0.1..1:4", ["0.1..1:4"]),  # to a text parameter this is a text
        ("note=a=b", ["a=b"]),
        ("note=../up", ["../up"]),
    ],
)
def test_values_are_read_as_data(text, values):
    name = text.partition("=")[0]
    assert parse_grid(SCHEMA, [text]) == {name: values}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rate", "'rate' is not NAME=VALUES"),
        ("rte=1", "There is no parameter 'rte'. Did you mean 'rate'? Allowed: rate, epochs"),
        ("rate=", "rate has no values; give at least one: rate is a number from 0.001 to 1"),
        ("rate=5", "rate = 5.0 is not allowed; rate is a number from 0.001 to 1"),
        ("rate=fast", "rate = 'fast' is not allowed"),
        ("rate=nan", "rate = nan is not allowed"),
        ("rate=0.1,", "rate = '' is not allowed"),
        ("rate=0..1:5", "rate = 0.0 is not allowed"),
        ("rate=0.1..x", "rate=0.1..x is not allowed; write a range as low..high:N"),
        ("rate=0.1..1:exp:3", "write a range as"),
        ("rate=1..0.1:3", "is empty; its low end must lie below its high end"),
        ("rate=0.1..0.1:3", "is empty"),
        ("rate=0.1..1:1", "has 1 values; allowed are 2 to 100,000"),
        ("rate=0.1..1:99999999999999999999", "allowed are 2 to 100,000"),
        ("epochs=1.5..3:2", "epochs = 1.5 is not allowed; epochs is a whole number"),
        ("optimizer=adam,sdg", "optimizer = 'sdg' is not allowed; optimizer is one of: sgd, adam"),
        ("sizes=1,2", "Write each list in brackets"),
        ("sizes=[1,[", "Write each list in brackets"),
        ('note=a,"b', "cannot be split at its commas"),
    ],
)
def test_bad_values_are_refused_naming_what_is_allowed(text, reason):
    with pytest.raises((SweepError, ParameterError)) as error:
        parse_grid(SCHEMA, [text])
    assert reason in str(error.value)


def test_a_range_above_zero_only_has_a_logarithm():
    schema = parse_cell("shift: float = 0  # any number")
    with pytest.raises(SweepError, match="a logarithm needs numbers above 0"):
        parse_grid(schema, ["shift=0..1:log:3"])
    assert parse_grid(schema, ["shift=-1..1:3"]) == {"shift": [-1.0, 0.0, 1.0]}


def test_a_name_given_twice_is_refused():
    with pytest.raises(SweepError, match="rate is given twice"):
        parse_grid(SCHEMA, ["rate=0.1", "rate=0.2"])


def test_python_and_yaml_values_mean_the_same_as_texts():
    import numpy as np

    given = {
        "rate": np.array([0.1, 0.2]),
        "epochs": range(1, 3),
        "note": "one text, not two",
        "sizes": [[1], [2, 3]],
        "flag": False,
    }
    assert check_grid(SCHEMA, given) == {
        "rate": [0.1, 0.2],
        "epochs": [1, 2],
        "note": ["one text, not two"],
        "sizes": [[1], [2, 3]],
        "flag": [False],
    }
    assert check_grid(SCHEMA, {"rate": "0.1..1:log:2"}) == {"rate": [0.1, 1.0]}
    assert check_grid(SCHEMA, {"rate": ["1e-2"]}) == {"rate": [0.01]}  # as YAML leaves it
    for bad in ({"rate": []}, {"rate": [[0.1]]}, {"rate": [float("nan")]}, {"x": [1]}, [1]):
        with pytest.raises((SweepError, ParameterError)):
            check_grid(SCHEMA, bad)


def test_every_combination_is_a_point_in_order():
    found = points("rate=0.1,0.2", "epochs=1,2,3")
    assert [(p["rate"], p["epochs"]) for p in found] == [
        (rate, epochs) for rate in (0.1, 0.2) for epochs in (1, 2, 3)
    ]


def test_duplicates_are_merged_and_counted():
    runs, merged = combine(SCHEMA, [], parse_grid(SCHEMA, ["rate=0.1,0.2,0.1", "epochs=3,3.0"]))
    assert len(runs) == 2
    assert merged == 4


def test_repeats_count_the_seed_up_from_the_points_own():
    runs, _ = combine(SCHEMA, [], {"rate": [0.1, 0.2]}, repeats=3)
    assert [(run["rate"], run["seed"]) for run in runs] == [
        (rate, seed) for rate in (0.1, 0.2) for seed in (0, 1, 2)
    ]
    with pytest.raises(ParameterError, match="seed = 1001 is not allowed"):
        combine(SCHEMA, [], {"rate": [0.1]}, repeats=1002)


def test_draws_are_within_their_range_reproducible_and_extend_each_other():
    texts = ("rate=0.001..1:log", "epochs=1..10", "optimizer=sgd,adam", "flag=true")
    first = points(*texts, sample=400, seed=1)
    assert points(*texts, sample=400, seed=1) == first
    assert points(*texts, sample=50, seed=1) == first[:50]
    assert points(*texts, sample=400, seed=2) != first
    assert all(0.001 <= point["rate"] <= 1 for point in first)
    # As likely in each decade, and each whole number as likely as another.
    decades = [math.floor(math.log10(point["rate"])) for point in first]
    assert all(100 < decades.count(decade) < 170 for decade in (-3, -2, -1))
    counts = [[point["epochs"] for point in first].count(n) for n in range(1, 11)]
    assert all(20 < count < 65 for count in counts)
    assert {point["optimizer"] for point in first} == {"sgd", "adam"}


def test_whole_numbers_are_drawn_logarithmically_too():
    grid = parse_grid(SCHEMA, ["epochs=1..9:log", "rate=0.1..1"])
    values = [point["epochs"] for point in combine(SCHEMA, [], grid, sample=300)[0]]
    assert set(values) == set(range(1, 10))
    assert values.count(1) > values.count(5) > values.count(9)


@pytest.mark.parametrize(
    ("texts", "how", "reason"),
    [
        ([], {}, "Nothing to sweep"),
        (["rate=0.1"], {"repeats": 0}, "repeats = 0 is not allowed"),
        (["rate=0.1"], {"repeats": 1.5}, "repeats = 1.5 is not allowed"),
        (["rate=0.1"], {"repeats": True}, "repeats = True is not allowed"),
        (["rate=0.1"], {"sample": 0}, "sample = 0 is not allowed"),
        ([], {"sample": 3}, "--sample draws from the values given with -g"),
        (["rate=0.1..1"], {}, "rate is a range to draw from: add --sample K"),
        (["seed=1,2"], {"repeats": 2}, "seed is swept and repeated"),
        (["rate=0.001..1:log:9999", "epochs=1,2,3", "maybe=1,2,3,4"], {}, "makes 119,988 runs"),
        (["rate=0.1"], {"repeats": 10**9}, "at most 100,000 are allowed"),
        (["rate=0.1..1"], {"sample": 10**9}, "at most 100,000 are allowed"),
    ],
)
def test_sweeps_that_make_no_sense_are_refused(texts, how, reason):
    with pytest.raises(SweepError) as error:
        points(*texts, **how)
    assert reason in str(error.value)


def test_repeats_need_a_seed():
    with pytest.raises(SweepError, match=r"repeats needs a lesson with .* 'seed'; this one"):
        combine(UNSEEDED, [], {"rate": [0.1]}, repeats=2)


# --- files --------------------------------------------------------------------------------------


def test_a_csv_file_is_a_run_a_row_and_an_empty_cell_the_default(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text(
        '\ufeffrate, note,sizes\n0.1,"a, ""b""\nc","[1,2]"\n\n0.2,,3\n', encoding="utf-8"
    )
    rows, grid = read_file(path, SCHEMA)
    assert grid == {}
    assert rows == [
        {"rate": 0.1, "note": 'a, "b"\nc', "sizes": [1, 2]},
        {"rate": 0.2, "sizes": [3]},
    ]
    assert len(combine(SCHEMA, rows, {"epochs": [1, 2]})[0]) == 4


def test_a_yaml_file_lists_runs_or_values_to_combine(tmp_path):
    runs, grid = tmp_path / "runs.yaml", tmp_path / "grid.yml"
    runs.write_text("- {rate: 1e-2, note: '1'}\n- {rate: 0.5, maybe: null}\n")
    assert read_file(runs, SCHEMA)[0] == [{"rate": 0.01, "note": "1"}, {"rate": 0.5, "maybe": None}]
    grid.write_text("rate: 0.001..1:log:4\nepochs: [1, 2]\noptimizer: adam\n")
    rows, values = read_file(grid, SCHEMA)
    assert rows == []
    assert values == {"rate": [0.001, 0.01, 0.1, 1.0], "epochs": [1, 2], "optimizer": ["adam"]}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p.csv", "rate\n", "has no rows"),
        ("p.csv", "", "has no rows"),
        ("p.csv", "rat\n1\n", "There is no parameter 'rat'. Did you mean 'rate'?"),
        ("p.csv", "rate,rate\n1,1\n", "has the column 'rate' twice"),
        ("p.csv", "rate,epochs\n0.1\n", "row 1 has 1 cells, but there are 2 columns"),
        ("p.csv", "rate\n0.1\n7\n", "p.csv, row 2: rate = 7.0 is not allowed"),
        ("p.csv", 'rate\n"0.1\n', "is not CSV"),
        ("p.yaml", "a: [", "is not YAML"),
        ("p.yaml", "rat: [1]", "There is no parameter 'rat'"),
        ("p.yaml", "[]", "must be a list with a mapping"),
        ("p.yaml", "3", "must be a list with a mapping"),
        ("p.yaml", "- 3", "p.yaml, row 1 is 3; it must be a mapping"),
        ("p.yaml", "- {rate: 9}", "p.yaml, row 1: rate = 9.0 is not allowed"),
        ("p.yaml", "- !!python/object/apply:os.mkdir [made]", "is not YAML"),
        ("p.txt", "rate\n1", "is of an unknown kind"),
    ],
)
def test_a_bad_file_is_refused_naming_file_and_row(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SweepError) as error:
        read_file(path, SCHEMA)
    assert reason in str(error.value)
    assert str(path) in str(error.value)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(SweepError, match=r"Cannot read .*none\.csv: No such file"):
        read_file(tmp_path / "none.csv", SCHEMA)
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SweepError, match="Cannot read"):
        read_file(tmp_path / "p.csv", SCHEMA)


def test_a_parameter_in_the_file_and_in_the_grid_is_refused():
    with pytest.raises(SweepError, match="rate: in the file and in the grid"):
        combine(SCHEMA, [{"rate": 0.1}], {"rate": [0.2]})


def test_points_are_plain_data():
    runs, _ = combine(SCHEMA, [{"note": "__import__('os')"}], {"rate": [0.1]})
    assert json.loads(json.dumps(runs)) == runs


def test_a_range_keeps_its_ends_exactly():
    rate = SCHEMA["rate"]
    for count in (2, 3, 7):
        values = Range(rate, 0.0012345678, 0.98765432, log=True).spaced(count)
        assert values[0] >= 0.0012345678
        assert values[-1] <= 0.98765432
        assert values == sorted(values)


def test_the_largest_sweep_is_planned_without_being_enumerated_first():
    grid = {name: list(range(1000)) for name in ("a", "b", "c", "d")}
    with pytest.raises(SweepError, match="makes 1,000,000,000,000 runs"):
        combine({}, [], grid)
    assert grids.LARGEST == 100_000
