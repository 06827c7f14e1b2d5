"""The two explorers of backpropagation: JavaScript against Python, exports run, a browser."""

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import browser
import numpy as np
import pytest
from PIL import Image

from labkit.explore import backprop as explorer
from labkit.explore import kit
from labkit.explore.backprop import (
    GRAPH_STEPS,
    GraphExplorer,
    TrainingExplorer,
    as_code,
    explain,
    graph_values,
    make_layers,
    make_points,
    probabilities,
    random_numbers,
)
from labkit.maths import backprop as maths

SCRIPT = Path(explorer.__file__).with_name("backprop.js")


def settings(**changes):
    return TrainingExplorer(**changes).params


# --- the graph --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "w1", "w2", "v1", "v2"])
def test_slopes_on_the_graph_are_those_of_finite_differences(name):
    start = {"x": 0.7, "w1": 1.2, "w2": -0.4, "target": 0.3, "v1": 1.5, "v2": -1.0}

    def loss(value):
        return graph_values(**start | {name: float(value)})["J"]

    numeric = maths.numeric_gradient(loss, start[name])
    assert graph_values(**start)[f"d_{name}"] == pytest.approx(float(numeric), abs=1e-9)


def test_edges_multiply_the_slopes_that_meet_at_their_beginning():
    g = graph_values(0.7, 1.2, -0.4, target=0.3)
    slope = {"J": 1.0} | {name[2:]: value for name, value in g.items() if name.startswith("d_")}
    for name in ("x", "w1", "w2", "z1", "z2", "h1", "h2", "v1", "v2", "p"):
        paths = [pair for pair in explorer.LOCAL if pair[0] == name]
        told = sum(explorer.LOCAL[pair](g) * slope[pair[1]] for pair in paths)
        assert told == pytest.approx(slope[name]), name


def test_the_graph_shows_only_what_its_step_knows():
    def shown(step):
        e = GraphExplorer(graph_step=step)
        assert e.png
        return {name for name, a in e._picture(e.params).moving.items() if text_of(a)}

    def text_of(artist):
        return artist.get_text() if hasattr(artist, "get_text") else ""

    assert not [name for name in shown(4) if name.startswith(("slope", "on "))]
    assert "value J" in shown(4) - shown(3)
    assert {"slope p", "on pJ"} == shown(5) - shown(4)
    assert {"slope x", "slope w1", "slope w2"} <= shown(8) - shown(7)


def test_every_step_of_the_graph_reads_differently():
    texts = {GraphExplorer(graph_step=step).text for step in range(len(GRAPH_STEPS))}
    assert len(texts) == len(GRAPH_STEPS)


@pytest.mark.slow
def test_the_graph_walks():
    assert GraphExplorer().walk() > 30


# --- JavaScript against Python ----------------------------------------------------------------

ASK = """
const answer = ({ cases, code }) => cases.map((params) => {
  const { training, text, kind } = backprop.explain(params);
  const { X, y, layers, losses, epoch } = training;
  return { X: [...X], y: [...y], W: layers.map(({ W, b }) => [...W, ...b]), text, kind, epoch,
    losses: losses.train, fresh: losses.fresh, grid: [...backprop.boundary(training)],
    parameters: backprop.asParameters(params), command: backprop.asCommand("04", params),
    numpy: backprop.asCode("numpy", params, code), keras: backprop.asCode("keras", params, code) };
});
"""


def javascript(cases, folder):
    """What backprop.js answers to each case, in node, or else in Chromium."""
    return browser.ask(SCRIPT, "backprop", ASK, {"cases": cases, "code": explorer._code()}, folder)


EXTREMES = [
    settings(),
    settings(learning_rate=3.0, epochs=40, noise=0.8),
    settings(data="xor", epochs=60),
    settings(data="spiral", width=8, epochs=60),
    settings(data="spiral", width=8, depth=3, points=20, noise=0.6, learning_rate=0.3, epochs=300),
    settings(data="circle", epochs=40, activation="sigmoid", learning_rate=3),
    settings(data="circle", epochs=30, activation="linear", depth=4, width=8, learning_rate=10),
    settings(data="blobs", epochs=5, activation="relu", learning_rate=10, depth=3),
    settings(points=400, noise=1.0, batch_size=400, epochs=20, seed=4294967295, learning_rate=1),
    settings(data="circle", activation="relu", learning_rate=1, epochs=25),
    settings(noise=0.05, learning_rate=0.0001, epochs=1, batch_size=7, points=50, seed=123456),
    settings(data="blobs", depth=0, epochs=20),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Settings, what Python finds, what JavaScript finds; whether rounding may part them."""
    cases = [settings(**case) for case in [*list(explorer._grid())[::2], *EXTREMES]]
    answers = javascript(cases, tmp_path_factory.mktemp("javascript"))
    return [
        (case, explain(case), there, is_wild(case))
        for case, there in zip(cases, answers, strict=True)
    ]


def is_wild(case):
    """Whether weights moved by 1e-13 end somewhere else: then rounding decides the end, too."""
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        moved = [(W * (1 + 1e-13), b) for W, b in make_layers(explorer._sizes(case), case["seed"])]
        patch.setattr(explorer, "make_layers", lambda *_: moved)
        there = explorer._train(case)["losses"]
    here = explain(case)["losses"]
    return len(here) != len(there) or not np.allclose(here, there, rtol=1e-9, atol=1e-11)


def test_javascript_draws_the_same_points_and_weights(both):
    for case, here, there, _ in both:
        np.testing.assert_allclose(np.reshape(there["X"], (-1, 2)), here["X"], atol=1e-12)
        assert there["y"] == here["y"].ravel().tolist(), case


def test_javascript_learns_as_python_does(both):
    compared = 0
    for case, here, there, wild in both:
        if wild:
            continue
        assert there["epoch"] == here["epoch"], case
        np.testing.assert_allclose(there["losses"], here["losses"], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(there["fresh"], here["fresh_losses"], rtol=1e-7, atol=1e-9)
        for flat, (W, b) in zip(there["W"], here["layers"], strict=True):
            np.testing.assert_allclose(flat, [*W.ravel(), *b], rtol=1e-6, atol=1e-8)
        compared += 1
    assert compared > 0.8 * len(both)  # else the comparison above would say little


def test_javascript_draws_the_same_boundary(both):
    for case, here, there, wild in both:
        if not wild:
            grid = probabilities(here["layers"], case["activation"])
            np.testing.assert_allclose(np.reshape(there["grid"], grid.shape), grid, atol=1e-6)


def test_javascript_says_the_same_words(both):
    for _, here, there, wild in both:
        if not wild:
            assert (there["kind"], there["text"]) == (here["kind"], here["text"])
        assert "nan" not in there["text"].lower()


def test_every_kind_of_verdict_is_met_and_divergence_is_said(both):
    met = {here["kind"] for _, here, _, _ in both} | {there["kind"] for _, _, there, _ in both}
    assert met >= {"start", "diverges", "worse", "overfits", "guesses", "learned", "learns"}
    wild = [(here, there) for _, here, there, _ in both if here["kind"] == "diverges"]
    assert wild
    for here, there in wild:
        assert there["kind"] == "diverges"
        assert np.isfinite(here["losses"]).all()
        assert "Try a smaller learning rate" in there["text"]


def test_javascript_copies_the_same_texts(both):
    for case, _, there, _ in both:
        texts = TrainingExplorer(**case).texts()
        assert there["parameters"] == texts["Copy as parameters"]
        assert there["command"] == texts["Copy as command"]
        assert there["numpy"] == texts["Copy as NumPy code"]
        assert there["keras"] == texts["Copy as Keras code"]


def test_random_numbers_are_spread_evenly():
    numbers = random_numbers(7, 20_000)
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    assert counts.sum() == 20_000
    assert ((counts - 1000) ** 2 / 1000).sum() < 44  # chi square, 19 degrees, p = 0.001
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03


@pytest.mark.parametrize("data", explorer.PLACES)
def test_noise_moves_points_but_no_label(data):
    place = explorer.PLACES[data]
    (still, y), (moved, z) = (make_points(place, 50, noise, seed=3) for noise in (0.0, 0.5))
    assert (y == z).all()
    assert 0 < np.abs(moved - still).max() <= 0.5
    assert np.abs(still).max() < explorer.SPAN


def test_weights_keep_to_the_glorot_limit():
    (W, b), _ = make_layers([2, 8, 1], seed=1)
    assert np.abs(W).max() <= np.sqrt(6 / 10)
    assert W.shape == (2, 8)
    assert not b.any()


# --- exported code, executed ------------------------------------------------------------------

EXPORTED = [
    settings(data="xor", epochs=12),
    settings(data="circle", activation="sigmoid", learning_rate=1, epochs=12, noise=0.3),
    settings(data="spiral", activation="relu", depth=3, width=6, batch_size=30, epochs=12),
    settings(data="blobs", activation="linear", depth=0, batch_size=400, epochs=12, seed=9),
]


@pytest.mark.parametrize("params", EXPORTED, ids=lambda params: params["data"])
def test_exported_numpy_code_gives_the_same_curve(params, capsys):
    found = {}
    exec(as_code("numpy", params), found)
    np.testing.assert_allclose(found["losses"], explain(params)["losses"], rtol=1e-10)
    assert f"after {params['epochs']} epochs" in capsys.readouterr().out


def test_exported_code_needs_numpy_alone(tmp_path):
    (tmp_path / "net.py").write_text(as_code("numpy", EXPORTED[0]))
    run = [sys.executable, "-I", "-c", "import runpy, sys; runpy.run_path('net.py'); "
           "assert not {'labkit', 'keras'} & set(sys.modules)"]  # fmt: skip
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.slow
def test_exported_keras_code_gives_the_same_curve():
    pytest.importorskip("keras")
    for params in EXPORTED:
        found = {}
        exec(as_code("keras", params), found)
        np.testing.assert_allclose(found["losses"], explain(params)["losses"], rtol=1e-6)


# --- the widget -------------------------------------------------------------------------------


def test_the_result_follows_the_settings():
    e = TrainingExplorer(data="blobs", epochs=20, learning_rate=0.3)
    assert e.result["kind"] == "learned"
    e.epochs = 0
    assert "at the start" in e.text
    assert len(e.result["losses"]) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"data": "moons"}, r"'moons'.*xor, circle, blobs, spiral"),
        ({"activation": "ReLU"}, r"'ReLU'.*tanh, sigmoid, relu"),
        ({"learning_rate": 0}, r"learning_rate = 0;.*\[0.0001, 10\]"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan"),
        ({"points": 10}, r"points = 10;.*\[20, 400\]"),
        ({"depth": 2.5}, r"depth = 2.5; use a whole number"),
        ({"noise": True}, r"noise = True"),
        ({"hide": ["rate"]}, r"'rate'.*learning_rate"),
    ],
)
def test_bad_start_values_are_refused_with_what_is_allowed(bad, message):
    with pytest.raises(ValueError, match=message):
        TrainingExplorer(**bad)


def test_unknown_settings_are_refused_with_those_there_are():
    with pytest.raises(TypeError, match=r"'layers'.*depth"):
        TrainingExplorer(layers=2)


def test_walk_tries_all_choices():
    tried = {(each["data"], each["activation"]) for each in explorer._grid()}
    assert tried == {(d, a) for d in explorer.PLACES for a in explorer._FUNCTIONS}
    assert TrainingExplorer().walk() > 120


def test_walk_names_the_settings_at_which_something_fails(monkeypatch):
    whole = explorer.explain

    def broken(params):
        return 1 / 0 if params["data"] == "spiral" else whole(params)

    monkeypatch.setattr(explorer, "explain", broken)
    with pytest.raises(kit.ExplorerError, match=r'data="spiral".*ZeroDivisionError'):
        TrainingExplorer().walk()


def test_the_picture_changes_with_the_training():
    def pixels(**changes):
        picture = Image.open(io.BytesIO(TrainingExplorer(**changes).png))
        return np.asarray(picture.convert("RGB")).astype(int)

    assert (pixels(epochs=0) != pixels(epochs=20)).any()
    assert (pixels(epochs=20) == pixels(epochs=20)).all()


def test_live_display_has_the_widget_and_forms_without_a_kernel(monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    e = TrainingExplorer(epochs=5)
    data, metadata = e._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == e.model_id
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"] == e.text


def test_executed_copies_hold_no_widget_without_its_kernel(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    data, _ = TrainingExplorer()._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}


def test_html_is_self_contained_and_closed():
    page = TrainingExplorer().html()
    assert not re.search(r"""https?:""", page)
    assert not re.search(r"""\b(import\s*\(|import\s+[{*"']|fetch\(|@import|url\((?!#))""", page)
    assert page.count("</script>") == 1
    assert page.count("<img alt=") == 1


# --- in a browser -----------------------------------------------------------------------------


def status(page):
    return page.locator(".status").inner_text()


def epoch(page):
    return int(re.search(r"epoch (\d+)", page.locator(".readout").inner_text())[1])


@browser.needs_browser
@pytest.mark.slow
def test_static_page_trains_without_network(still):
    e = TrainingExplorer(epochs=3)
    page = still(e)
    assert status(page) == e.text
    before = page.locator(".panels").screenshot()
    page.get_by_role("button", name="1 epoch").click()
    e.epochs = 4
    assert status(page) == e.text
    page.get_by_role("button", name="Start").click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Pause").click()
    stopped = epoch(page)
    assert stopped > 10
    page.wait_for_timeout(300)
    assert epoch(page) == stopped
    assert page.locator(".panels").screenshot() != before
    e.epochs = stopped
    assert status(page) == e.text
    page.get_by_role("button", name="Copy as parameters").click()
    assert page.locator(".copied").inner_text() == e.texts()["Copy as parameters"]
    page.get_by_role("button", name="Reset").click()
    e.epochs = 0
    assert status(page) == e.text


@browser.needs_browser
@pytest.mark.slow
def test_every_control_acts(still):
    page = still(TrainingExplorer(epochs=5))
    seen = {status(page)}

    def acted(*words):
        text = status(page)
        new = text not in seen and all(word in text for word in words)
        seen.add(text)
        return new

    page.get_by_label("data", exact=True).select_option("spiral")
    assert acted("spiral", "epoch 0")
    page.get_by_label("activation").select_option("relu")
    assert acted("relu")
    page.get_by_label("learning rate").select_option("10")
    assert acted("learning rate 10")
    page.get_by_label("batch size").select_option("1")
    assert acted("batches of 1")
    for name, words in [("hidden layers", "2-4-4-4-1"), ("units per layer", "2-5-5-5-1"),
                        ("noise", "noise 0.15"), ("training points", "")]:  # fmt: skip
        page.get_by_label(name).press("ArrowRight")
        assert acted(words), name
    page.get_by_role("button", name="New weights").click()
    assert acted()
    before = page.locator(".panels").screenshot()
    page.get_by_label("show fresh points").check()
    assert page.locator(".panels").screenshot() != before


@browser.needs_browser
@pytest.mark.slow
def test_a_training_that_diverges_stops_and_says_so(still):
    wild = {"activation": "linear", "depth": 4, "width": 8, "learning_rate": 10.0}
    page = still(TrainingExplorer(data="circle", **wild))
    page.get_by_role("button", name="Start").click()
    page.get_by_text("a weight passed 1,000,000").wait_for()
    assert page.get_by_role("button", name="Start").is_disabled()
    page.get_by_role("button", name="Reset").click()
    assert "at the start" in status(page)
    assert page.get_by_role("button", name="Start").is_enabled()


@browser.needs_browser
@pytest.mark.slow
def test_in_jupyterlab_page_and_kernel_agree(tmp_path):
    cells = [
        "from labkit.explore.backprop import TrainingExplorer\ne = TrainingExplorer()\ne",
        "'later'",
    ]
    browser.write_notebook(tmp_path / "n.ipynb", *cells)
    artifacts = Path(__file__).parents[1] / "artifacts"
    artifacts.mkdir(exist_ok=True)
    with browser.Lab(tmp_path) as lab:
        page = lab.open("n.ipynb", theme="dark")
        assert lab.run(page)
        page.get_by_label("data", exact=True).select_option("xor")
        page.locator(".play").click()
        page.wait_for_timeout(1000)
        page.locator(".play").click()
        stopped = epoch(page)
        assert stopped > 5
        page.screenshot(path=artifacts / "backprop-jupyterlab-dark.png")
        show = "print('kernel:', e.data, e.epochs, len(e.result['losses']))"
        browser.run_until(page, show, f"kernel: xor {stopped} {stopped + 1}")
        browser.run_last_cell(page, "e.data, e.epochs = 'blobs', 3; print(e.text)")
        page.locator(".status", has_text="blobs points").wait_for()
        page.get_by_text("epoch 3: learn").first.wait_for()
        assert epoch(page) == 3
        assert page.problems == []
        assert page.outside == []
