"""Records that an earlier labkit wrote, in `old`, mean what they meant: a results folder outlives
versions. They are of a lesson with the parameters of `PARAMETERS`, ended in every way there is.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers import call

from labkit.lab.records.reading import find, read_records
from labkit.lab.table import curves, results

OLD = Path(__file__).with_name("old")
PARAMETERS = (
    "rate: float = 0.1  # step size, in [0.01, 1]\n"
    "mode: str = 'good'  # one of: good, slow, wrong\nlimit: float | None = None  # or none"
)
FAILURES = {  # run id -> kind, where, cause, cell
    "b75b7c57bddd": (
        "cell error",
        "cell 6 of 6 [c3] `if mode == 'wrong':`",
        "KeyError: '`: key'",
        "c3",
    ),
    "c3468e993f1e": (
        "expectation",
        "cell 4 of 6 [c1] `expect('answer', 0.15, 0.25, because='twice the rate', when=`",
        "answer = 0.4, expected 0.15 to 0.25 (twice the rate): NOT HELD",
        "c1",
    ),
    "1dfcc2bf9f69": ("timeout", "cell 5 of 6 [c2] `import time`", "not done within 4 s", "c2"),
    "7d2568ca5e80": ("interrupted", "cell 5 of 6 [c2] `import time`", "stopped by Ctrl-C", "c2"),
    "a11f3fb15880": ("interrupted", "", "no sign of life from lab since 1970-01-02", None),
}


@pytest.fixture
def old(lab):
    """A lab whose results folder an earlier labkit has written."""
    lab.lesson("record('98', answer=2 * rate)", parameters=PARAMETERS)
    shutil.copytree(OLD, lab.runs)
    (cut_off,) = lab.runs.glob("*/.*/record.json")
    os.utime(cut_off, (100_000, 100_000))  # its process, on some machine, is long dead
    return lab


def test_every_end_reads_as_it_was(old):
    found = {record.run_id: record for record in read_records()}
    ends = {run_id: record.status for run_id, record in found.items() if not record.error}
    assert ends == {
        "1114f101005c": "finished",
        "318544ac9c1b": "finished",
        "274d9aba1156-live": "finished",
    }
    for run_id, (kind, where, cause, cell) in FAILURES.items():
        error = found[run_id].error
        assert (error.kind, error.where, error.cell) == (kind, where, cell)
        assert error.cause.startswith(cause)
    written = {p.parent.name: json.loads(p.read_text()) for p in OLD.glob("*/*/record.json")}
    for folder, content in written.items():
        record = found[folder.split(".")[0] or folder[1:13]]
        for name in ("started", "parameters", "results", "expectations", "curves", "environment"):
            assert record.plain()[name] == content[name]
        if content["error"]:
            assert record.message == content["error"]["message"]


def test_the_table_holds_them_all(old):
    table = results("98")
    assert len(table) == 8
    assert table.status.value_counts().to_dict() == {"finished": 3, "failed": 3, "interrupted": 2}
    assert table.set_index("run_id").error["b75b7c57bddd"].endswith("KeyError: '`: key'")
    assert set(table["param.mode"]) == {"good", "slow", "wrong"}
    assert table["result.answer"].notna().sum() == 8
    assert curves(table).run_id.nunique() == 8


def test_two_of_them_are_compared_and_a_page_shows_them(old):
    assert "rate" in call("results", "--diff", "1114f101005c", "318544ac9c1b").output
    for form in ("table", "csv", "json", "html"):
        shown = call("results", "98", "--format", form).output
        assert "b75b7c57bddd" in shown or form == "table"
        assert "KeyError" in shown
    assert find("98:first").run_id == "1114f101005c"
