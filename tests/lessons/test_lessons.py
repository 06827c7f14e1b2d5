"""Every lesson has the shape that learners rely on, and runs."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from labkit.lab import lesson as lessons
from labkit.lab import parameters, places
from labkit.lab.runs import runner as runs

LESSONS = places.lesson_files()
ROOT = Path(__file__).resolve().parents[2]
LONGEST_CELL = 20
NUMPY_ONLY = ("00", "01", "02", "03", "04", "05", "21", "23", "28")  # load no framework

every_lesson = pytest.mark.parametrize("path", LESSONS.values(), ids=lambda path: path.stem)


def read(path: Path) -> dict:
    return nbformat.read(path, as_version=4)


def tags(cell) -> list[str]:
    return cell["metadata"].get("tags", [])


def code_cells(notebook) -> list:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def tagged(notebook, tag: str) -> list:
    return [cell for cell in notebook["cells"] if tag in tags(cell)]


def words(notebook) -> int:
    """Count what is read: not where links lead, what is folded, nor the links between lessons."""
    text = "\n".join(c["source"] for c in notebook["cells"] if c["cell_type"] == "markdown")
    text = re.sub(
        r"(?s:<details>.*?</details>|<!--.*?-->)|^.*\]\(index\.ipynb\).*$", "", text, flags=re.M
    )
    return len(re.findall(r"[\w'’]+", re.sub(r'\]\([^)"]*("[^"]*")?\)', "]", text)))


def exercises(notebook) -> list[dict]:
    """Return of each exercise its name, what the stub defines, and its folded solution."""
    cells, found = notebook["cells"], []
    for index in (i for i, cell in enumerate(cells) if "exercise" in tags(cell)):
        solution = next(cell for cell in cells[index + 2 :] if "solution" in tags(cell))
        block = re.search(r"```python\n(.*?)```", solution["source"], re.DOTALL)[1]
        found.append(
            {
                "name": re.search(r"\bexercise\.(\w+)\.use\(", cells[index + 1]["source"])[1],
                "stub": defined(cells[index]["source"])[-1],
                "solved": defined(block)[-1],
                "block": block,
            }
        )
    return found


def defined(source: str) -> list[str]:
    """Return the functions and variables that a cell defines at its top level."""
    return [a or b for a, b in re.findall(r"^(?:def (\w+)\(|(\w+) = )", source, re.MULTILINE)]


def test_there_are_lessons():
    assert {"00", "01", "11"} <= set(LESSONS)


@every_lesson
def test_title_carries_the_number(path):
    first = read(path)["cells"][0]
    assert first["cell_type"] == "markdown"
    assert re.match(rf"# {path.name[:2]} · \S", first["source"])


@every_lesson
def test_it_is_valid_and_stripped(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook["metadata"]
    for cell in code_cells(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@every_lesson
def test_it_is_stored_as_jupyterlab_stores_it(path):
    """Else opening and saving a lesson changes lines that nobody touched."""
    assert path.read_text(encoding="utf-8").strip() == nbformat.writes(read(path)).strip()


@every_lesson
def test_cell_ids_are_names_and_stay(path):
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(set(ids)) == len(ids)
    assert not [i for i in ids if i.isdigit() or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", i)]


@every_lesson
def test_parameters_come_first_and_each_has_help(path):
    notebook = read(path)
    assert "parameters" in tags(code_cells(notebook)[0])
    assert "setup" in tags(code_cells(notebook)[1])
    schema = parameters.read_parameters(notebook)
    assert schema
    for parameter in schema.values():
        assert parameter.help, f"{parameter.name} has no help text"
        if parameter.type in ("int", "float"):
            assert parameter.low is not None, f"{parameter.name} has no range"


@every_lesson
def test_code_cells_fit_a_screen(path):
    for cell in code_cells(read(path)):
        lines = [line for line in cell["source"].splitlines() if line.strip()]
        assert len(lines) <= LONGEST_CELL, f"{cell['id']} has {len(lines)} lines"


@every_lesson
def test_length_suits_its_reader(path):
    notebook = read(path)
    shortest = 300 if path.name.startswith("00") else 1200
    assert shortest <= words(notebook) <= 2800
    assert 25 <= len(notebook["cells"]) <= 60
    assert lessons.read(path).minutes <= 90


@every_lesson
def test_each_exercise_has_its_check_directly_below(path):
    cells = read(path)["cells"]
    stubs = [i for i, cell in enumerate(cells) if "exercise" in tags(cell)]
    assert stubs
    for index in stubs:
        assert "..." in cells[index]["source"]
        assert "check" in tags(cells[index + 1])
        assert ".use(" in cells[index + 1]["source"], "the lesson runs on what the learner writes"


@every_lesson
def test_solutions_are_folded_and_check_nothing(path):
    """Run All says "Right" under nothing that nobody touched."""
    notebook = read(path)
    solutions = tagged(notebook, "solution")
    assert len(solutions) == len(tagged(notebook, "exercise"))
    for cell in solutions:
        assert ".check(" not in cell["source"]
        assert ".use(" not in cell["source"]
        assert cell["cell_type"] == "markdown"
        folded = re.findall(r"<details>\s*<summary>(\w+)", cell["source"])
        assert folded[-2:] == ["Hint", "Solution"]


@every_lesson
def test_a_solution_defines_what_its_stub_does(path):
    for each in exercises(read(path)):
        assert each["solved"] == each["stub"], each["name"]


@every_lesson
def test_it_asks_before_it_shows_and_ends_in_a_task(path):
    notebook = read(path)
    texts = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert len(tagged(notebook, "predict")) >= 3
    for cell in tagged(notebook, "predict"):
        assert cell["metadata"]["jupyter"]["source_hidden"] is True, cell["id"]
    if path.name[:2] not in ("00", "90"):  # a first look, and a ledger, end in other tasks
        (start,) = [
            i for i, text in enumerate(texts) if re.search(r"^## .*Put it together", text, re.M)
        ]
        assert any(re.search(r"^\|[ :-]+\|", text, re.M) for text in texts[start:]), "no table"


@every_lesson
def test_what_a_prediction_asks_is_answered_before_the_next_one(path):
    asked = None
    for cell in read(path)["cells"]:
        if "answer" in tags(cell):
            asked = None
        if "predict" in tags(cell):
            assert asked is None, f"no cell tagged answer follows {asked}"
            asked = cell["id"]
    assert asked is None, f"no cell tagged answer follows {asked}"


@every_lesson
def test_it_has_an_explorer_and_records_its_results(path):
    notebook = read(path)
    assert tagged(notebook, "explorer")
    records = tagged(notebook, "record")
    assert any(re.search(rf'record\(\s*"{path.name[:2]}"', cell["source"]) for cell in records)
    assert any("expect(" in cell["source"] for cell in records)


@every_lesson
def test_markdown_has_no_unfinished_words_and_no_addresses_of_machines(path):
    text = " ".join(cell["source"] for cell in read(path)["cells"])
    assert not re.search(r"TODO|FIXME|XXX|/work/|/tmp/|/home/|localhost:", text)


def test_every_parameter_of_the_labs_own_lessons_can_be_set():
    for path in places.all_lesson_files():
        assert lessons.read(path).schema.fixed == {}, path.name


def test_full_yml_names_lessons_and_their_parameters():
    listed = ROOT / "notebooks" / "full.yml"
    assert listed.exists()
    for path in LESSONS.values():
        lessons.read(path).values(full=True)


def test_the_index_links_every_lesson_and_nothing_else():
    index = json.loads((ROOT / "notebooks" / "index.ipynb").read_text())
    text = "".join("".join(cell["source"]) for cell in index["cells"])
    linked = re.findall(r"\]\((?:\./)?([^)#]+\.ipynb)\)", text)
    lessons = [name for name in linked if name[:2].isdigit()]  # it links the glossary too
    assert sorted(set(lessons)) == [path.name for path in LESSONS.values()]


def with_solutions_checked(path: Path, folder: Path) -> Path:
    """Write a copy of a lesson with one more cell, which checks its solutions; return it.

    The cell of a lesson of the mathematics also looks which framework was loaded.
    """
    notebook = read(path)
    lines = [
        f"{each['block']}\nfound = exercise.{each['name']}.check({each['solved']})\n"
        f"assert found.ok, ({each['name']!r}, found)"
        for each in exercises(notebook)
    ]
    if path.name[:2] in NUMPY_ONLY:
        frameworks = {"tensorflow", "keras", "jax", "torch"}
        lines.append(f"import sys\nassert not {frameworks} & {{*sys.modules}}")
    notebook["cells"].append(nbformat.v4.new_code_cell("\n".join(lines), id="solutions-checked"))
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run a lesson once, as `labkit run --all` does, and share its outcome between tests."""
    folder, copies = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("copies")
    done: dict[str, runs.Run] = {}

    def run(path: Path) -> runs.Run:
        if path.stem not in done:
            copy = with_solutions_checked(path, copies)
            done[path.stem] = runs.run(copy, folder=folder, timeout=600, fork="always")
        return done[path.stem]

    return run


@pytest.mark.slow
@every_lesson
def test_it_runs_headlessly_and_its_solutions_are_right(path, finished):
    outcome = finished(path)
    assert outcome.ok, outcome.error
    assert outcome.results
    assert outcome.entry["environment"]["peak_memory_mb"] < 3000


@pytest.mark.slow
@every_lesson
def test_its_executed_copy_has_no_warnings_and_stays_small(path, finished):
    outcome = finished(path)
    executed = nbformat.read(outcome.notebook, as_version=4)
    for cell in code_cells(executed):
        shown = [o for o in cell["outputs"] if o.get("name") == "stderr"]
        assert not shown, f"{cell['id']}: {shown[0]['text'][:300]}"
    # The five explorers of lesson 01 that live in the page carry their script along.
    limit = 2_100_000 if path.name.startswith("01") else 1_050_000  # 01 has five page explorers
    assert outcome.notebook.stat().st_size < limit
    assert outcome.page.stat().st_size < 5_000_000


@pytest.mark.slow
@every_lesson
def test_its_figures_have_alt_text(path, finished):
    page = finished(path).page.read_text(encoding="utf-8")
    images = re.findall(r"<img\b[^>]*>", page)
    assert images
    for image in images:
        alt = re.search(r'alt="([^"]*)"', image)
        assert alt, f"no alt text: {image[:120]}"
        assert len(alt[1]) > 15, f"no alt text: {image[:120]}"
        assert "No description" not in alt[1]
