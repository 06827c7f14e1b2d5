"""The training explorer: JavaScript against Python, exports run, a browser."""

import base64
import functools
import http.server
import io
import re
import subprocess
import sys
import threading
from pathlib import Path

import browser
import numpy as np
import pytest
from PIL import Image

from labkit.explore import kit
from labkit.explore import training as explorer
from labkit.explore.training import TrainingExplorer, explain, probabilities
from labkit.explore.training_code import (
    FUNCTIONS,
    PLACES,
    as_code,
    code_parts,
    make_layers,
    make_points,
    random_numbers,
)


def settings(**changes):
    return TrainingExplorer(**changes).params


# --- JavaScript against Python ----------------------------------------------------------------

ASK = """
const answer = ({ cases, code }) => cases.map((params) => {
  const { training: run, text, kind } = training.explain(params);
  const { X, y, layers, losses, epoch } = run;
  return { X: [...X], y: [...y], W: layers.map(({ W, b }) => [...W, ...b]), text, kind, epoch,
    losses: losses.train, fresh: losses.fresh, grid: [...training.boundary(run)],
    parameters: training.asParameters(params, training.REAL),
    command: training.asCommand("04", params, training.REAL),
    numpy: training.asCode("numpy", params, code), keras: training.asCode("keras", params, code) };
});
"""


def javascript(cases, folder):
    """What js/training answers to each case, in node, or else in Chromium."""
    question = {"cases": cases, "code": code_parts()}
    return browser.ask("training/explorer", "training", ASK, question, folder)


NEARLY_ALL = settings(data="spiral", width=8, learning_rate=0.3, epochs=500)
UPSIDE_DOWN = settings(data="blobs", depth=1, activation="linear", learning_rate=0.001, epochs=1)
EARLY = settings(data="xor", activation="sigmoid", learning_rate=0.1, epochs=2)
ALL_BUT_ONE = settings(data="xor", learning_rate=0.1, epochs=30)
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
    NEARLY_ALL,
    UPSIDE_DOWN,
    EARLY,
    ALL_BUT_ONE,
]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Settings, what Python finds, what JavaScript finds; whether rounding may part them."""
    cases = [settings(**case) for case in [*list(TrainingExplorer().grid())[::2], *EXTREMES]]
    answers = javascript(cases, tmp_path_factory.mktemp("javascript"))
    return [
        (case, explain(case), there, is_wild(case))
        for case, there in zip(cases, answers, strict=True)
    ]


def is_wild(case):
    """Whether weights moved by 1e-13 end somewhere else: then rounding decides the end, too."""
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        moved = [(W * (1 + 1e-13), b) for W, b in make_layers(explorer.sizes(case), case["seed"])]
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


def test_a_verdict_agrees_with_the_share_that_is_right(both):
    for case, here, _, _ in both:
        right, fresh = here["right"], here["fresh_right"]
        if here["kind"] == "overfits":
            assert right - fresh > 0.05, case
        if here["kind"] == "guesses":
            assert 0.4 <= right <= 0.6, case
        if here["kind"] == "wrong":
            assert right <= 0.6, case
        if here["kind"] in ("learned", "learns"):
            assert right > 0.6 or here["losses"][-1] < np.log(2), case
        assert ("100 % of the training" in here["text"]) == (right == 1), case


def test_every_kind_of_verdict_is_met_and_divergence_is_said(both):
    met = {here["kind"] for _, here, _, _ in both} | {there["kind"] for _, _, there, _ in both}
    assert met >= {
        "start",
        "diverges",
        "worse",
        "wrong",
        "overfits",
        "guesses",
        "learned",
        "learns",
    }
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


@pytest.mark.parametrize("data", PLACES)
def test_noise_moves_points_but_no_label(data):
    place = PLACES[data]
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
    tried = {(each["data"], each["activation"]) for each in TrainingExplorer().grid()}
    assert tried == {(d, a) for d in PLACES for a in FUNCTIONS}
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
    addresses = set(re.findall(r"""https?://[^\s"'<)]+""", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, never loaded
    assert not re.search(r"""\b(import\s*\(|import\s+[{*"']|fetch\(|@import|url\((?!#))""", page)
    assert page.count("</script>") == 1
    assert page.count("<img ") == 1


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
def test_nothing_sticks_out_of_the_explorer_at_any_width(still):
    page = still(TrainingExplorer())
    body = page.locator(".lk")
    for width in (1000, 936, 901, 837, 700, 640, 401):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(browser.SETTLED)
        room, needed = body.evaluate("(e) => [e.clientWidth, e.scrollWidth]")
        assert needed <= room, width


LIGHTEST = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let most = 0;
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] === 255) most = Math.max(most, Math.min(data[k], data[k + 1], data[k + 2]));
  }
  return most;
}"""


@browser.needs_browser
@pytest.mark.slow
def test_the_canvases_take_the_colors_of_a_new_theme_at_once(still):
    page = still(TrainingExplorer(epochs=3))
    losses = page.get_by_role("img", name="loss by epoch")
    assert losses.evaluate(LIGHTEST) < 0x80
    # As a theme's style sheet does that comes late: nothing else tells the page.
    page.add_style_tag(content="body { background: #111; color: #eee; }")
    page.evaluate(browser.SETTLED)
    page.wait_for_timeout(100)
    assert losses.evaluate(LIGHTEST) == 0xEE


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


# --- the first thing on the first page ------------------------------------------------------------

MOVED = """() => {
  const began = setInterval(() => {
    const root = document.querySelector("figure > div")?.shadowRoot;
    if (!/^epoch [1-9]/.test(root?.querySelector(".readout")?.textContent ?? "")) return;
    window.moved = performance.now();
    clearInterval(began);
  }, 5);
}"""


def first_page(folder, chromium, width=1366, height=768, **context):
    """A page with a title and the hero, served and opened cold; the time of its first move."""
    page = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
    page += 'content="width=device-width"><title>Lab</title><body><h1>A title</h1>'
    (folder / "index.html").write_text(page + explorer.hero(), "utf-8")
    size = {"width": width, "height": height}
    opened = chromium.new_context(viewport=size, **context).new_page()
    opened.problems = []
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.add_init_script(f"({MOVED})()")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        opened.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        opened.evaluate(browser.SETTLED)
    finally:
        server.shutdown()
        server.server_close()
    return opened


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.alone
def test_the_hero_moves_by_itself_within_two_seconds_of_a_cold_load(chromium, tmp_path):
    page = first_page(tmp_path, chromium)
    page.wait_for_function("window.moved")
    assert page.evaluate("window.moved") < 2000
    box = page.locator("figure").bounding_box()
    assert box["height"] <= 430
    assert box["y"] + box["height"] < 768
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("button", name="Start").is_visible()
    assert page.problems == []


@browser.needs_browser
@pytest.mark.slow
def test_the_hero_ends_when_all_is_learned_and_then_goes_on_when_asked(chromium, tmp_path):
    page = first_page(tmp_path, chromium)
    start = page.get_by_role("button", name="Start")
    start.wait_for(timeout=60_000)
    body = page.locator("[role=group]").first
    assert body.get_attribute("data-verdict") == "learned"
    epoch = int(body.get_attribute("data-epoch"))
    start.click()
    page.wait_for_function(
        "(old) => Number(document.querySelector('figure > div').shadowRoot"
        ".querySelector('.lk').dataset.epoch) > old + 20",
        arg=epoch,
    )


@browser.needs_browser
@pytest.mark.slow
def test_the_hero_stands_still_for_a_reader_who_wants_less_motion(chromium, tmp_path):
    page = first_page(tmp_path, chromium, reduced_motion="reduce")
    page.wait_for_timeout(300)
    assert page.locator(".readout").inner_text().startswith("epoch 0 ")
    page.get_by_role("button", name="Start").click()
    page.wait_for_function("window.moved")


@browser.needs_browser
@pytest.mark.slow
def test_the_hero_is_no_wider_than_a_phone(chromium, tmp_path):
    page = first_page(tmp_path, chromium, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator("canvas").nth(k).bounding_box()["y"] for k in range(3)]
    assert tops[2] < min(tops[:2])  # the map comes first
