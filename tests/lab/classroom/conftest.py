"""A finished run of lesson 01, for what is made from runs."""

import nbformat
import pytest

from labkit.lab import files
from labkit.lab.records.entry import Record


@pytest.fixture
def keep_run(tmp_path):
    """A function that keeps a run of lesson 01 with these outputs: pairs (cell id, data)."""

    def keep(outputs):
        folder = tmp_path / "runs" / "01_gradient_descent" / "3f2a81c09b7d"
        folder.mkdir(parents=True)
        record = Record("01", folder.name, "finished", started="2026-11-28T09:00:00+00:00")
        files.write_json(folder / "record.json", record.plain())
        cells = [
            nbformat.v4.new_code_cell(
                "1", id=id, outputs=[nbformat.v4.new_output("display_data", data)]
            )
            for id, data in outputs
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebook.ipynb")
        return tmp_path / "runs"

    return keep
