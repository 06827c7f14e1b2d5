"""What papermill means stays so when it runs with the lab's engine; files stay what they are."""

import os
import re
import resource
import stat
import subprocess
import sys
import threading

import nbformat
import papermill
import pytest
from helpers import KERNEL
from nbclient.exceptions import CellTimeoutError
from nbformat.v4 import new_code_cell, new_notebook
from papermill.engines import papermill_engines

from labkit.lab.runs.engine import LabkitEngine

pytestmark = pytest.mark.alone


def seen(notebook) -> list[str]:
    return [cell.metadata.papermill["status"] for cell in notebook.cells]


@pytest.fixture
def notebook_file(tmp_path):
    notebook = new_notebook(metadata={"kernelspec": KERNEL})
    notebook.cells = [
        new_code_cell("rate = 0.1", metadata={"tags": ["parameters"]}),
        new_code_cell("import os, sys\nprint(rate, 'labkit.maths' in sys.modules)"),
        new_code_cell("if rate == 0.5:\n    os._exit(3)"),
        new_code_cell("1"),
    ]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    return tmp_path / "in.ipynb"


def papermill_command(source, *options):
    result = source.with_name("out.ipynb")
    command = [sys.executable, "-m", "papermill", str(source), str(result), "--no-progress-bar"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert result.exists(), done.stderr
    return done, nbformat.read(result, as_version=4)


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("options", [["-k", "labkit"], ["--engine", "labkit"]])
def test_papermill_forks_by_kernel_name_and_by_engine_name(notebook_file, options):
    done, notebook = papermill_command(notebook_file, *options, "-p", "rate", "0.2")
    assert done.returncode == 0, done.stderr
    printed = next(c.outputs[0].text for c in notebook.cells if "sys.modules" in c.source)
    assert printed == "0.2 True\n"  # nothing imported it here: the zygote had
    assert set(seen(notebook)) == {"completed"}


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_papermill_with_this_engine_tells_where_a_kernel_died(notebook_file):
    done, notebook = papermill_command(notebook_file, "--engine", "labkit", "-p", "rate", "0.5")
    assert done.returncode != 0
    assert seen(notebook) == ["completed", "completed", "completed", "failed", "pending"]
    assert notebook.metadata.papermill["exception"] is True
    assert notebook.cells[3].outputs[-1].ename == "killed kernel"


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_a_full_disk_leaves_papermills_earlier_output_whole(notebook_file):
    papermill_command(notebook_file, "--engine", "labkit")
    result = notebook_file.with_name("out.ipynb")
    before = result.read_bytes()

    def no_room():  # a write beyond this many bytes fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    command = [sys.executable, "-m", "papermill", str(notebook_file), str(result)]
    done = subprocess.run(
        [*command, "--engine", "labkit"], capture_output=True, text=True, preexec_fn=no_room
    )
    assert done.returncode != 0
    assert "File too large" in done.stderr
    assert result.read_bytes() == before
    assert not list(result.parent.glob(".out*"))


# --- the same ends, statuses and outputs as with papermill's own engine ---------------------------

PRINTED = [
    "import traceback\ntry:\n    1 / 0\nexcept Exception:\n    traceback.print_exc()",
    "import logging\ntry:\n    1 / 0\nexcept Exception:\n    logging.exception('handled')",
    "class Noisy:\n    def __del__(self):\n        raise RuntimeError('x')\nit = Noisy()\ndel it",
    "%%bash\npython -c '1 / 0' || true",
    "import subprocess, sys\ndone = subprocess.run([sys.executable, '-c', '1 / 0'])",
    "import warnings\nwarnings.warn('Traceback (most recent call last):\\nKeyError: 1')",
]
WIDGET = "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    1 / 0\nout"
FIGURES = "from IPython.display import HTML, display\nfor _ in range(6):\n    "
FIGURES += "display(HTML('<!--' + 'p' * 4_000_000 + '-->'))"
PROGRESS = "from tqdm.notebook import tqdm\nfor _ in tqdm(range(4)):\n    pass"
CALLBACK = "import ipywidgets\nipywidgets.interactive(lambda x: 1 / x, x=0).update()"
THREAD = "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()"
NOTEBOOKS = {
    "what passes": [
        *PRINTED,
        WIDGET,
        FIGURES,
        PROGRESS,
        "import ipywidgets\nipywidgets.IntSlider(3)",
    ],
    "an error that a callback shows": [CALLBACK, "1"],
    "an error that is tagged": [("[1, 2, 3][10]", ["raises-exception"]), "1"],
    "a cell that is left out": [("1 / 0", ["skip-execution"]), "1"],
    "a good end before the last cell": ["import sys; sys.exit(0)", "1"],
    "a bad end": ["import sys; sys.exit(3)", "1"],
    "an empty end": ["raise SystemExit", "1"],
    "a misspelt magic": ["%nosuch", "1"],
    "quit() in the last cell": ["1", "quit()"],
}


def executed(cells, engine, folder):
    """Return how papermill ends, and the notebook without what differs each time."""
    papermill_engines.register("labkit", LabkitEngine)
    notebook = new_notebook(metadata={"kernelspec": KERNEL})
    for cell in cells:
        source, tags = cell if isinstance(cell, tuple) else (cell, [])
        notebook.cells.append(
            new_code_cell(source, metadata={"tags": tags}, id=f"c{len(notebook.cells)}")
        )
    path, end = folder / f"{engine}.ipynb", "good"
    nbformat.write(notebook, folder / "in.ipynb")
    for last in (False, True):
        try:
            papermill.execute_notebook(
                folder / "in.ipynb",
                path,
                engine_name=engine,
                progress_bar=False,
                execution_timeout=60,
            )
        except papermill.PapermillExecutionError as error:
            end = (error.ename, error.evalue, error.cell_index)
        except CellTimeoutError:  # nbclient now and then waits for a message that it has missed
            if last or engine == "labkit":
                raise
            continue
        break
    return end, stable(nbformat.read(path, as_version=4))


VARYING = re.compile(r"[0-9a-f]{32}|0x[0-9a-f]+|[\d.]+it/s|/tmp/ipykernel_\d+|Thread-\d+")


def stable(notebook) -> tuple:
    models = notebook.metadata.pop("widgets", {}).get("application/vnd.jupyter.widget-state+json")
    states = [state["state"] for state in models["state"].values()] if models else []
    kept = [(s["_model_name"], s.get("value"), len(s.get("outputs", []))) for s in states]
    cells = []
    for cell in notebook.cells:
        facts = cell.metadata.get("papermill", {})
        text = {}  # standard error and output come in pieces of any size, in any order
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                text[output.name] = text.get(output.name, "") + output.text
        others = [o for o in cell.get("outputs", []) if o.output_type != "stream"]
        shown = re.sub(
            r"[0-9a-f]{32}|0x[0-9a-f]+|\d+\.\d\ds|[\d.]+it/s|/tmp/ipykernel_\d+",
            "#",
            f"{others} {text}",
        )
        status = facts.get("status"), facts.get("exception")
        cells.append((cell.cell_type, cell.source, cell.metadata.get("tags"), status, shown))
    keys = sorted(notebook.metadata.papermill), notebook.metadata.papermill.exception
    return (
        cells,
        sorted(VARYING.sub("#", str(each)) for each in kept),
        keys,
        sorted(notebook.metadata),
    )


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_papermill_ends_and_shows_the_same_with_its_own_engine(name, tmp_path):
    stock, ours = (executed(NOTEBOOKS[name], engine, tmp_path) for engine in ("nbclient", "labkit"))
    for one, other in zip(stock[1], ours[1], strict=True):
        assert other == one
    assert ours == stock


# --- a path stays what it is ----------------------------------------------------------------------


def quick(folder, name="in.ipynb"):
    notebook = new_notebook(metadata={"kernelspec": KERNEL}, cells=[new_code_cell("print('ran')")])
    nbformat.write(notebook, folder / name)
    return folder / name


def run_papermill(folder, *words, fork=True):
    command = [sys.executable, "-m", "papermill", "--engine", "labkit", "--no-progress-bar"]
    return subprocess.run(
        [*command, *words], cwd=folder, capture_output=True, text=True, timeout=120
    )


def ran(path) -> bool:
    return "ran" in nbformat.read(path, as_version=4).cells[0].outputs[0].text


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_a_device_and_a_pipe_are_written_through(tmp_path):
    quick(tmp_path)
    (tmp_path / "dev").mkdir()
    try:
        os.mknod(tmp_path / "dev" / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("a device needs root")
    done = run_papermill(tmp_path, "in.ipynb", "dev/null")
    assert done.returncode == 0, done.stderr
    assert stat.S_ISCHR(os.stat(tmp_path / "dev" / "null").st_mode)
    assert os.listdir(tmp_path / "dev") == ["null"]
    os.mkfifo(tmp_path / "pipe.ipynb")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe.ipynb").read_text()))
    reader.start()
    done = run_papermill(tmp_path, "in.ipynb", "pipe.ipynb")
    reader.join(10)
    assert done.returncode == 0, done.stderr
    assert nbformat.reads(read[0], as_version=4).cells[0].outputs[0].text == "ran\n"
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe.ipynb").st_mode)


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_standard_output_as_a_path_gets_the_notebook_once(tmp_path):
    quick(tmp_path)
    done = run_papermill(tmp_path, "in.ipynb", "/dev/stdout")
    assert done.returncode == 0, done.stderr
    assert nbformat.reads(done.stdout, as_version=4).cells[0].outputs[0].text == "ran\n"


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_an_output_starts_where_papermill_was_called(tmp_path):
    (tmp_path / "notebooks").mkdir()
    source = quick(tmp_path / "notebooks")
    before = source.read_bytes()
    (tmp_path / "results").mkdir()
    for output in ("in.ipynb", "results/out.ipynb"):
        done = run_papermill(tmp_path, "--cwd", "notebooks", "notebooks/in.ipynb", output)
        assert done.returncode == 0, done.stderr
        assert ran(tmp_path / output)
    assert source.read_bytes() == before
    assert os.listdir(tmp_path / "notebooks") == ["in.ipynb"]


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_a_place_that_cannot_be_written_is_told_before_any_cell_runs(tmp_path):
    notebook = new_notebook(metadata={"kernelspec": KERNEL})
    notebook.cells = [new_code_cell(f"open({str(tmp_path / 'ran')!r}, 'w')")]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    for output in ("nowhere/out.ipynb", "."):
        done = run_papermill(tmp_path, "in.ipynb", output)
        assert done.returncode == 1
        assert "nowhere" in done.stderr or "directory" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_links_names_and_modes_stay(tmp_path):
    source = quick(tmp_path)
    (tmp_path / "real.ipynb").write_text("old")
    (tmp_path / "real.ipynb").chmod(0o660)
    (tmp_path / "link.ipynb").symlink_to("real.ipynb")
    (tmp_path / "first.ipynb").write_text("old")
    (tmp_path / "second.ipynb").hardlink_to(tmp_path / "first.ipynb")
    (tmp_path / "itself.ipynb").symlink_to(source)
    for output in ("link.ipynb", "first.ipynb", "itself.ipynb"):
        done = run_papermill(tmp_path, "in.ipynb", output)
        assert done.returncode == 0, done.stderr
    assert all(map(ran, tmp_path.glob("*.ipynb")))
    assert (tmp_path / "link.ipynb").is_symlink()
    assert (tmp_path / "itself.ipynb").is_symlink()
    assert stat.S_IMODE((tmp_path / "real.ipynb").stat().st_mode) == 0o660
    assert (tmp_path / "first.ipynb").samefile(tmp_path / "second.ipynb")
    assert not list(tmp_path.glob(".labkit*"))
