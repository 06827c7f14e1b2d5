"""The explorer kit without a browser: settings, pictures, words, and errors that are not lost."""

import base64
import html
import importlib
import io
import json
import pkgutil
import re
import shlex
import subprocess
import sys

import browser
import gallery
import ipywidgets
import nbformat
import numpy as np
import pytest
from PIL import Image

import labkit.explore
from labkit.explore import kit
from labkit.explore.backprop import TrainingExplorer
from labkit.explore.descent import DescentExplorer
from labkit.explore.kit.script import FOLDER
from labkit.explore.kit.still import NOTE
from labkit.explore.neuron import NeuronExplorer


class Wave(kit.Explorer):
    """A sine wave; small, but with every kind of control."""

    lesson = "99"
    view_only = ("grid",)
    rebuild_for = ("grid",)
    presets = {"slow": {"frequency": 0.1, "waves": 1}}

    def make_controls(self):
        return {
            "frequency": kit.log_slider(1.0, 0.1, 10.0),
            "height": kit.slider(0.5, 0.0, 1.0),
            "waves": kit.slider(2, 1, 4),
            "color": kit.choice("red", ["red", "blue"]),
            "grid": kit.switch(False),
        }

    @staticmethod
    def compute(frequency, height, waves, color, grid):
        x = np.linspace(0, waves, 200)
        return x, height * np.sin(frequency * x)

    def build(self, figure):
        ax = figure.subplots()
        ax.set(xlim=(0, 4), ylim=(-1, 1))
        ax.grid(self.params["grid"])
        return {"line": ax.plot([], [])}  # a list, as matplotlib returns it

    def paint(self, artists, result, params):
        artists["line"][0].set(data=result, color=params["color"])

    def caption(self, result, params):
        return f"A {params['color']} wave, {params['height']:g} high & <short>."


def pixels(explorer):
    return np.asarray(Image.open(io.BytesIO(explorer.png)).convert("RGB")).astype(int)


# ---- settings ---------------------------------------------------------------------------------


def test_start_values_set_the_controls():
    explorer = Wave(frequency=2.5, height=0.25, waves=3, color="blue", grid=True)
    assert explorer.params == {
        "frequency": 2.5, "height": 0.25, "waves": 3, "color": "blue", "grid": True,
    }  # fmt: skip


def test_numpy_numbers_are_taken_as_plain_ones():
    params = Wave(waves=np.int64(3), height=np.float64(0.1)).params
    assert type(params["waves"]) is int
    assert type(params["height"]) is float


@pytest.mark.parametrize(
    ("start", "error", "words"),
    [
        ({"hight": 1}, TypeError, "Wave has no control 'hight'; it has: frequency, height"),
        ({"height": 2.0}, ValueError, r"height = 2.0; use a number in \[0, 1\]"),
        ({"height": float("nan")}, ValueError, r"height = nan; use a number in \[0, 1\]"),
        ({"height": "tall"}, ValueError, r"height = 'tall'; use a number in \[0, 1\]"),
        ({"frequency": 20}, ValueError, r"frequency = 20; use a number in \[0.1, 10\]"),
        ({"waves": 2.5}, ValueError, r"waves = 2.5; use a whole number in \[1, 4\]"),
        ({"waves": True}, ValueError, r"waves = True; use a whole number in \[1, 4\]"),
        ({"color": "green"}, ValueError, "'green' is not a choice; use one of: red, blue"),
        ({"grid": "maybe"}, ValueError, "grid = 'maybe' does not fit its control"),
    ],
)
def test_bad_start_values_are_refused_in_words(start, error, words):
    with pytest.raises(error, match=words):
        Wave(**start)


@pytest.mark.parametrize("value", [0.1, 0.123456, 10.0])
def test_a_logarithmic_slider_keeps_a_typed_value(value):
    assert Wave(frequency=value).params["frequency"] == value


def test_a_logarithmic_slider_multiplies_by_about_the_same_and_stands_on_round_numbers():
    control = kit.log_slider(0.1, 0.001, 1.0)
    values = np.array(control._options_values)
    assert (values[0], values[-1]) == (0.001, 1.0)
    ratios = values[1:] / values[:-1]
    assert 1.05 < ratios.min() < ratios.max() < 1.2
    assert all(value == float(f"{value:.2g}") for value in values)
    assert control._options_labels[:2] == ("0.001", "0.0011")


def test_a_preset_may_hold_a_number_that_is_not_round():
    explorer = Wave()
    explorer._jump({"frequency": 0.1234})
    assert explorer.params["frequency"] == 0.1234
    assert explorer.controls["frequency"].label == "0.1234"


def test_labels_are_words_and_never_clipped():
    controls = Wave().controls.values()
    assert [control.description for control in controls][:2] == ["frequency", "height"]
    widths = {control.style.description_width for control in controls}
    assert len(widths) == 1  # one column
    assert float(widths.pop().removesuffix("em")) >= 0.55 * len("frequency")


def test_walk_values_reach_both_ends_and_every_option():
    assert kit.walk_values(kit.slider(5, 0, 100))[:2] == [0, 1]
    assert kit.walk_values(kit.slider(5, 0, 100))[-1] == 100
    assert 5 in kit.walk_values(kit.slider(5, 0, 100))
    assert kit.walk_values(kit.log_slider(0.1, 0.001, 1))[0] == 0.001
    assert kit.walk_values(kit.log_slider(0.1, 0.001, 1))[-1] == 1.0
    assert kit.walk_values(kit.choice("a", list("abcdefgh"))) == list("abcdefgh")
    assert kit.walk_values(kit.switch(True)) == [False, True]


def test_few_options_are_buttons_and_many_a_menu():
    assert isinstance(kit.choice(1, [1, 2, 3, 4, 5]), ipywidgets.ToggleButtons)
    assert isinstance(kit.choice(1, [1, 2, 3, 4, 5, 6]), ipywidgets.Dropdown)


# ---- the picture -------------------------------------------------------------------------------


def test_a_control_changes_result_words_and_pixels():
    explorer = Wave()
    before, words = pixels(explorer), explorer.text
    explorer.controls["height"].value = 1.0
    assert explorer.result[1].max() > 0.9
    assert explorer.text != words
    assert (pixels(explorer) != before).any()


def test_moving_artists_leave_no_ghosts():
    explorer = Wave()
    before = pixels(explorer)
    explorer.controls["height"].value = 1.0
    explorer.controls["height"].value = 0.5
    assert (pixels(explorer) == before).all()


def test_only_moving_artists_are_drawn_again(monkeypatch):
    explorer = Wave()
    picture = explorer._picture(explorer.params)
    monkeypatch.setattr(picture.canvas, "draw", lambda: pytest.fail("drew the static part again"))
    explorer.controls["height"].value = 1.0
    assert explorer._picture(explorer.params) is picture


def test_the_static_part_is_drawn_anew_where_asked():
    explorer = Wave()
    before = pixels(explorer)
    explorer.controls["grid"].value = True
    assert (pixels(explorer) != before).any()
    explorer.controls["grid"].value = False
    assert (pixels(explorer) == before).all()


def test_the_picture_is_off_screen():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    Wave()
    assert plt.get_fignums() == before


def test_presets_set_several_controls_and_draw_once(monkeypatch):
    explorer = Wave()
    drawn = []
    monkeypatch.setattr(explorer, "_render", drawn.append)
    explorer._jump({"frequency": 0.1, "waves": 1})
    assert drawn == [explorer.params]
    assert explorer.params["waves"] == 1


# ---- words -------------------------------------------------------------------------------------


def test_alt_text_and_status_are_the_escaped_caption():
    explorer = Wave()
    assert explorer.text == "A red wave, 0.5 high & <short>."
    assert f'alt="{html.escape(explorer.text)}"' in explorer._view.value
    assert explorer._status.value == html.escape(explorer.text)


def test_a_saved_notebook_keeps_a_picture_with_words():
    explorer = Wave()
    forms = explorer._repr_mimebundle_()
    assert base64.b64decode(forms["image/png"]).startswith(b"\x89PNG")
    assert forms["text/plain"] == explorer.text
    assert "<figcaption" in forms["text/html"]
    assert html.escape(explorer.text) in forms["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in forms


def test_an_executed_copy_has_the_picture_and_no_dead_widget(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    forms = Wave()._repr_mimebundle_()
    assert set(forms) == {"text/html", "image/png", "text/plain"}


def test_a_picture_tells_which_explorer_it_shows_and_how_it_is_set(monkeypatch):
    """A page on which Python runs puts the live one in its place."""
    settings = '<figure class="labkit-still" data-explorer="Wave" data-params="([^"]*)"'
    page = Wave(waves=3)._repr_mimebundle_()["text/html"]
    assert json.loads(html.unescape(re.match(settings, page)[1])) == Wave(waves=3).params
    assert "labkit-still-note" not in page  # where a kernel is
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    page = Wave()._repr_mimebundle_()["text/html"]
    assert page.endswith(f'</figure><p class="labkit-still-note">{NOTE}</p>')
    assert "in JupyterLab" in NOTE


def test_nothing_comes_from_another_host():
    explorer = Wave()
    shown = explorer._view.value + explorer._repr_mimebundle_()["text/html"]
    assert not re.search(r"https?://|src=\"(?!data:)", shown)
    names = set(re.findall(r"https?://[^\"]*", explorer._copies._esm))
    assert names == {"http://www.w3.org/2000/svg"}  # a name, never loaded


def test_the_copy_buttons_follow_the_settings():
    explorer = Wave()
    assert explorer._copies.texts == explorer.texts()
    explorer.controls["waves"].value = 3
    assert explorer._copies.texts == explorer.texts()
    assert "waves = 3" in explorer._copies.texts["Copy as parameters"]


def test_presets_say_what_they_set():
    (row,) = (each for each in Wave().children if "labkit-presets" in each._dom_classes)
    assert [(each.description, each.tooltip) for each in row.children[1:]] == [
        ("slow", "frequency 0.1, waves 1")
    ]


def test_settings_as_parameters_are_python_that_gives_them_back():
    explorer = Wave(height=0.1)
    names = {}
    exec(explorer.texts()["Copy as parameters"], names)
    del names["__builtins__"]
    assert names == explorer.lesson_params
    assert "grid" not in names  # view only: the lesson has no such parameter


@pytest.mark.parametrize("value", ["it's", 'say "hi"', "two words", "$HOME;ls", "ä", [1, -2], None])
def test_settings_as_command_survive_the_shell(value):
    command = kit.as_command("01", {"name": value})
    told = f"name={value}" if isinstance(value, str) else f"name={value!r}"
    assert shlex.split(command) == ["labkit", "run", "01", "-p", told]


@pytest.mark.parametrize(
    "value", [0.1, 3, True, "it's", 'say "hi"', [1.0, 2.0], None, np.float64(2)]
)
def test_literals_are_python_source(value):
    names = {}
    exec(kit.as_parameters({"x": value}), names)
    assert names["x"] == value
    assert type(names["x"]) is not np.float64


def test_an_explorer_without_lesson_parameters_copies_its_call():
    class Free(Wave):
        view_only = ("frequency", "height", "waves", "color", "grid")

    (text,) = Free(waves=3).texts().values()
    assert eval(text, {"Free": Free}).params == Free(waves=3).params


# ---- the walk ----------------------------------------------------------------------------------


def test_a_sound_explorer_walks_and_is_as_before():
    explorer = Wave(height=0.25)
    before, params, words = pixels(explorer), explorer.params, explorer.text
    assert explorer.walk() > 60
    assert (explorer.params, explorer.text) == (params, words)
    assert (pixels(explorer) == before).all()
    assert (explorer._pixels[..., :3] == before).all()


def test_a_walk_sees_both_ends_all_options_and_corners():
    seen = []

    class Watched(Wave):
        @staticmethod
        def compute(**params):
            seen.append(tuple(params.values()))
            return Wave.compute(**params)

    Watched().walk()
    for at, ends in enumerate([(0.1, 10.0), (0.0, 1.0), (1, 2, 3, 4), ("red", "blue"), (0, 1)]):
        assert set(ends) <= {values[at] for values in seen}
    assert {(0.1, 1.0, 4, "blue", True), (10.0, 0.0, 1, "red", False)} <= set(seen)


def _broken(**members):
    return type("Broken", (Wave,), members)


def _raise(error):
    raise error


def _compute_fails_at_the_end(**params):
    return Wave.compute(**params) if params["waves"] < 4 else _raise(KeyError("far end"))


def _compute_warns(**params):
    with np.errstate(divide="warn"):
        np.float64(1) / np.float64(params["height"])
    return Wave.compute(**params)


def _compute_fails_in_a_corner(**params):
    corner = params["frequency"] == 10 and params["height"] == 1 and params["waves"] == 4
    return _raise(OverflowError("corner")) if corner else Wave.compute(**params)


def _paint_fails_for_blue(self, artists, result, params):
    artists["line"][0].set_data(*result)
    if params["color"] == "blue":
        raise AttributeError("no such artist")


def _paint_leaves_a_trace(self, artists, result, params):
    Wave.paint(self, artists, result, params)
    if params["waves"] == 4:
        artists["line"][0].set_linewidth(9)  # and never set back


def _unseeded(**params):
    x, y = Wave.compute(**params)
    return x, y + np.random.default_rng().normal(size=y.shape)


BROKEN = {
    "compute": ({"compute": staticmethod(_compute_fails_at_the_end)}, "waves=4.*far end"),
    "corner": ({"compute": staticmethod(_compute_fails_in_a_corner)}, "frequency=10.0.*corner"),
    "warning": ({"compute": staticmethod(_compute_warns)}, "height=0.0.*RuntimeWarning"),
    "paint": ({"paint": _paint_fails_for_blue}, 'color="blue".*no such artist'),
    "build": (
        {"build": lambda s, f: _raise(OSError("no")) if s.params["grid"] else Wave.build(s, f)},
        "grid=True.*OSError",
    ),
    "caption": (
        {"caption": lambda s, r, p: "" if p["waves"] == 3 else "Fine."},
        "waves=3.*caption",
    ),
    "nan": (
        {"caption": lambda s, r, p: f"Loss {float('nan') if p['waves'] == 3 else 1}."},
        "waves=3.*nan",
    ),
    "trace": ({"paint": _paint_leaves_a_trace}, "differs after a walk"),
    "random": ({"compute": staticmethod(_unseeded)}, "two different pictures"),
    "preset": ({"presets": {"bad": {"waves": 9}}}, "button 'bad'.*waves = 9"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_walk_finds_what_is_broken_and_names_the_settings(name):
    members, words = BROKEN[name]
    explorer = _broken(**members)()  # fine where it starts
    with pytest.raises(kit.ExplorerError, match=f"Broken.*{words}"):
        explorer.walk()


def test_a_walk_presses_own_buttons_whose_errors_ipywidgets_swallows():
    class Pressed(Wave):
        def _rows(self):
            button = ipywidgets.Button(description="train")
            button.on_click(lambda _: _raise(MemoryError("too large")))
            return [*super()._rows(), button]

    explorer = Pressed()
    with pytest.raises(kit.ExplorerError, match="Pressed, button 'train': MemoryError: too large"):
        explorer.walk()


def test_an_error_after_a_change_is_raised_and_said():
    explorer = _broken(**BROKEN["compute"][0])()
    with pytest.raises(KeyError, match="far end"):
        explorer.controls["waves"].value = 4
    assert "waves=4" in explorer._status.value
    assert "far end" in explorer._status.value
    explorer.controls["waves"].value = 3
    assert explorer._status.value == html.escape(explorer.text)


NOTEBOOK = """
from labkit.explore import kit

class Tiny(kit.Explorer):
    def make_controls(self):
        return {"level": kit.slider(1, 0, 9)}
    @staticmethod
    def compute(level):
        return 1 / (level - WRONG)
    def build(self, figure):
        return {"word": figure.text(0.5, 0.5, "")}
    def paint(self, artists, result, params):
        artists["word"].set_text(f"{result:.2f}")
    def caption(self, result, params):
        return f"One over the distance is {result:.2f}."

Tiny()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "fails"), [("9", True), ("-1", False)])
def test_a_headless_notebook_fails_with_a_broken_explorer(monkeypatch, wrong, fails):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    cell = nbformat.v4.new_code_cell(NOTEBOOK.replace("WRONG", wrong))
    client = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), store_widget_state=False)
    if not fails:
        client.execute()
        assert "image/png" in cell["outputs"][0]["data"]
        return
    with pytest.raises(CellExecutionError, match="Tiny at level=9: ZeroDivisionError"):
        client.execute()


def test_explorers_load_no_framework():
    code = (
        "import sys, labkit.explore.kit, labkit.explore.figures, labkit.explore.start;"
        "print(sorted({'tensorflow', 'keras', 'torch', 'jax', 'sklearn', 'matplotlib.pyplot'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- size -------------------------------------------------------------------------------------


def _explorers():
    """Every explorer class of the lab."""
    for module in pkgutil.walk_packages(labkit.explore.__path__, "labkit.explore."):
        importlib.import_module(module.name)
    some, found = [kit.Explorer, kit.PageExplorer], []
    while some:
        some = [each for one in some for each in one.__subclasses__()]
        found += [each for each in some if each.__module__.startswith("labkit.")]
    return found


def test_every_explorer_stands_in_the_gallery_that_is_measured():
    shown = " ".join(gallery.EXPLORERS.values())
    absent = {each.__name__ for each in _explorers()} - set(re.findall(r"\w+(?=\()", shown))
    assert absent <= {"ResultsExplorer"}  # its function is called `results`


@pytest.mark.parametrize("explorer", [DescentExplorer, NeuronExplorer, TrainingExplorer])
def test_a_picture_is_drawn_once_for_the_page_and_the_file(explorer, monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    monkeypatch.setenv("LABKIT_WALK", "0")
    drawn, draw = [], explorer.pixels
    monkeypatch.setattr(explorer, "pixels", lambda self: drawn.append(1) or draw(self))
    data, _ = explorer()._repr_mimebundle_()
    assert data["image/png"] in data["text/html"]
    assert drawn == [1]


def test_pictures_leave_room_for_their_controls():
    """A small window shows 640 pixels: six controls in two columns, presets, words, buttons."""
    high = {each.__name__: each.size for each in _explorers() if hasattr(each, "size")}
    assert len(high) > 12
    assert {name: size for name, size in high.items() if size[0] > 10 or size[1] > 4.6} == {}


def test_no_style_sets_a_height_above_that_of_a_small_window():
    styles = "".join(path.read_text("utf-8") for path in FOLDER.rglob("*.js"))
    heights = [int(n) for n in re.findall(r"height: (\d+)px", styles)]
    assert len(heights) > 5
    assert max(heights) < gallery.MOST / 1.5


def test_a_picture_out_of_the_page_has_no_room_and_asks_for_none(tmp_path):
    """JupyterLab takes hidden notebooks out of the page; their elements then have no style."""
    code = """
      const answer = (paddings) => paddings.map(([paddingLeft, paddingRight]) => {
        globalThis.getComputedStyle = () => ({ paddingLeft, paddingRight });
        return dom.roomIn({ getBoundingClientRect: () => ({ width: 100.5 }) });
      });
    """
    question = [["10px", "20px"], ["", ""]]
    assert browser.ask("dom", "dom", code, question, tmp_path) == [70, 100]
