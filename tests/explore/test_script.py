"""The shared JavaScript: joined without a build step, linted, and equal to what Python says."""

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import browser
import pytest
from colors import DARK, LIGHT, contrast

from labkit.explore import figures, kit
from labkit.explore.kit import script as joining
from labkit.explore.kit.script import FOLDER, script

TOP = Path(__file__).parents[2]
MODULES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.js"))


# --- joining ----------------------------------------------------------------------------------


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A function that writes modules into a folder of their own, in place of labkit/explore/js."""
    monkeypatch.setattr(joining, "FOLDER", tmp_path)
    script.cache_clear()
    yield lambda **sources: [
        (tmp_path / f"{name}.js").write_text(source) for name, source in sources.items()
    ]
    script.cache_clear()


def test_each_module_stands_once_behind_what_it_imports(modules, tmp_path):
    (tmp_path / "deep").mkdir()
    modules(
        a="export const a = 1;\n",
        b='import { a } from "./a.js";\nexport const b = a + 1;\n',
        c='import "./a.js";\nimport {\n  a,\n  b,\n} from "./b.js";\nexport const c = a + b;\n',
    )
    (tmp_path / "deep" / "d.js").write_text('import { c } from "../c.js";\nexport default c;\n')
    joined = script("deep/d")
    assert [line for line in joined.splitlines() if line] == [
        "export const a = 1;",
        "export const b = a + 1;",
        "export const c = a + b;",
        "export default c;",
    ]


@pytest.mark.parametrize(
    "declared",
    ["const same = 2;", "export function same() {}", "class same {}", "const [other, same] = f;",
     "export const { same } = f;", "export async function same() {}"],
)  # fmt: skip
def test_two_modules_with_one_name_are_refused(modules, declared):
    modules(a="const same = 1;\n", b=f'import {{ x }} from "./a.js";\n{declared}\n')
    with pytest.raises(ValueError, match=r"b.js and a.js both have 'same' at their top level"):
        script("b")


def test_names_inside_functions_may_be_the_same(modules):
    modules(a="const f = () => {\n  const x = 1;\n};\n", b='import "./a.js";\nconst x = 1;\n')
    assert "const x" in script("b")


@pytest.mark.parametrize(
    "line",
    ['import * as a from "./a.js";', 'import a from "./a.js";', 'import { a } from "far";',
     'import { a } from "./a.js"'],
)  # fmt: skip
def test_an_import_that_cannot_be_joined_is_refused(modules, line):
    modules(a="", b=f"{line}\n")
    with pytest.raises(ValueError, match=r'b.js: `import .*import { name } from "./file.js"'):
        script("b")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_runs_in_node_as_it_stands_and_joined(name, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("no node on PATH: modules were NOT imported")
    (tmp_path / "joined.mjs").write_text(script(name), "utf-8")
    for path in (FOLDER / f"{name}.js", tmp_path / "joined.mjs"):
        code = f"await import({path.as_uri()!r});"
        subprocess.run([node, "--input-type=module", "-e", code], check=True)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.js")), ids=lambda path: path.stem)
def test_of_texts_over_several_lines_there_are_only_style_sheets(path):
    """The joined script loses its indentation."""
    source = re.sub(r"^\s*(//.*|/\*(?s:.*?)\*/)$", "", path.read_text("utf-8"), flags=re.M)
    long = [text for text in re.findall(r"`[^`]*`", source) if "\n" in text]
    assert all(re.match(r"`\n[.:]", text) for text in long), long


# --- linting ----------------------------------------------------------------------------------


def lint(*paths):
    program = Path(sys.executable).with_name("oxlint")
    if not program.exists():
        pytest.skip("oxlint is not installed: the JavaScript was NOT linted")
    config = ["--config", TOP / ".oxlintrc.json"]
    return subprocess.run([program, *config, *paths], capture_output=True, text=True)


def test_javascript_is_free_of_lint():
    done = lint(FOLDER, TOP / "labkit" / "lab")
    assert done.returncode == 0, done.stdout


FAULTS = {
    "no-undef": "export const f = () => nowhere;\n",
    "no-unused-vars": 'import { a } from "./a.js";\n',
    "named": 'import { b } from "./a.js";\nb();\n',
    "max-lines-per-function": "export function f() {\n" + "  g();\n" * 60 + "}\nfunction g() {}\n",
    "max-lines": "export default 1;\n" + "// a line\n" * 350,
}


@pytest.mark.parametrize("rule", FAULTS)
def test_the_linter_finds_what_it_must(rule, tmp_path):
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "bad.js").write_text(FAULTS[rule])
    done = lint(tmp_path)
    assert done.returncode != 0
    assert f"({rule})" in done.stdout


# --- the tools against Python -------------------------------------------------------------------

VALUES = [0, 1, -3, 2.5, 1e-4, 1.5e-5, 1e-7, 123456.75, 1e16, 2.5e22, True, False, None,
          "two words", 'say "hi"', "it's", "$HOME;ls", "ä", [1, -2], [1.5, 0.25], []]  # fmt: skip


def test_settings_are_copied_as_python_writes_them(tmp_path):
    code = (
        "const answer = (all) => all.map(([x, real]) => [copying.asParameters({ x }, real),"
        " copying.asCommand('01', { x }, real)]);"
    )
    real = [isinstance(value, float) or value == [1.5, 0.25] for value in VALUES]
    cases = [(value, ["x"] if floats else []) for value, floats in zip(VALUES, real, strict=True)]
    answers = browser.ask("copying", "copying", code, cases, tmp_path)
    for (value, _), found in zip(cases, answers, strict=True):
        assert found == [kit.as_parameters({"x": value}), kit.as_command("01", {"x": value})]


def test_numbers_are_written_as_python_writes_them(tmp_path):
    sizes = itertools.product((1, -1), (1, 1.125, 9.996), range(-9, 9))
    numbers = [0, *(sign * mantissa * 10.0**power for sign, mantissa, power in sizes)]
    code = "const answer = (all) => all.map(numbers.short);"
    found = browser.ask("numbers", "numbers", code, numbers, tmp_path)
    assert found == [kit.short(number) for number in numbers]


AXES = """
const answer = (cases) => cases.map(([range, wanted]) => {
  const place = axes.axis(range, [10, 110], { wanted });
  const ends = [place(range.low), place(range.high)];
  return { ticks: place.ticks, ends, back: place.invert(35) };
});
"""


def test_axes_place_and_count(tmp_path):
    linear, log, many, point = browser.ask(
        "axes", "axes", AXES,
        [[{"low": -6, "high": 3}, 5], [{"low": 0.01, "high": 1, "log": True}, 5],
         [{"low": 0.3, "high": 0.4}, 2], [{"low": 5, "high": 5}, 5]],
        tmp_path,
    )  # fmt: skip
    assert linear == {"ticks": [-6, -4, -2, 0, 2], "ends": [10, 110], "back": -3.75}
    assert log["ticks"] == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    assert log["back"] == pytest.approx(10**-1.5)
    assert many["ticks"] == [0.3, 0.35, 0.4]
    assert point["ends"] == [60, 60]


CONTOUR = """
const answer = ([heights, columns, levels]) => {
  const pieces = [];
  canvas.contour(heights, columns, levels, (...ends) => pieces.push(ends));
  return pieces;
};
"""


def test_contours_cut_between_the_right_numbers(tmp_path):
    slope = [x for _ in range(3) for x in (0, 1, 2, 3)]  # grows from left to right
    pieces = browser.ask("canvas", "canvas", CONTOUR, [slope, 4, [0.5, 2.25]], tmp_path)
    assert sorted({(piece[0], piece[2]) for piece in pieces}) == [(0.5, 0.5), (2.25, 2.25)]
    assert len(pieces) == 4  # two lines across two rows of cells


# --- colors -----------------------------------------------------------------------------------


def test_lines_stand_out_from_the_ground_of_each_theme(tmp_path):
    code = "const answer = () => colors.PALETTE;"
    palette = browser.ask("colors", "colors", code, None, tmp_path)
    assert palette["light"] == figures.COLORS
    for theme, ground in {"light": LIGHT, "dark": DARK}.items():
        assert min(contrast(color, ground) for color in palette[theme]) >= 3
        assert len(set(palette[theme])) == 8


def test_ramps_are_those_of_matplotlib(tmp_path):
    import matplotlib

    shares = [0.0, 0.1, 0.25, 0.5, 0.77, 1.0]
    code = "const answer = (all) => all.map((t) => [colors.viridis(t), colors.cividis(t)]);"
    found = browser.ask("colors", "colors", code, shares, tmp_path)
    for share, pair in zip(shares, found, strict=True):
        for name, color in zip(("viridis", "cividis"), pair, strict=True):
            truth = [255 * part for part in matplotlib.colormaps[name](share)[:3]]
            assert color == pytest.approx(truth, abs=6), name


def test_no_module_asks_another_host():
    for name in MODULES:
        addresses = set(re.findall(r"""https?:[^\s"'`)]*""", script(name)))
        assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, never loaded
