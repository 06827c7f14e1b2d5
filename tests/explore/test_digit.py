"""Draw a digit: JavaScript against Python and Keras, a browser."""

import json
import re
import subprocess
import sys
from pathlib import Path

import browser
import numpy as np
import pytest
from plain_network import plain_network

from labkit.data import load_mnist
from labkit.explore import digit as explorer
from labkit.explore import kit
from labkit.explore.digit import DRAWINGS, DigitExplorer, in_words
from labkit.networks.packing import pack, unpack


@pytest.fixture(scope="module")
def images():
    digits = load_mnist()
    return np.stack([digits.x_test[digits.y_test == d][0] for d in range(10)])


@pytest.fixture(scope="module")
def draw(images):
    """A function that makes the explorer on the little network."""
    network = plain_network()
    return lambda **settings: DigitExplorer(network, images, **settings)


@pytest.mark.slow
def test_the_page_answers_as_keras_does(images):
    """Equal weights, equal probabilities: in Keras the rounded ones are set, too."""
    from labkit.networks.models import mlp

    model = mlp(hidden=64, dropout=0.3, seed=1)
    rounded = [array for pair in unpack(pack(model)) for array in pair]
    model.set_weights(rounded)
    e = DigitExplorer(model, images)
    pixels = np.rint(255 * images) / 255
    keras_says = model.predict(pixels, verbose=0)
    for digit in range(10):
        e.digit = digit
        np.testing.assert_allclose(e.probabilities, keras_says[digit], atol=1e-5)


# --- JavaScript against Python ---------------------------------------------------------------

ASK = """
const answer = ({ cases, ...rest }) => cases.map((each) => {
  const { strokes, ...params } = each;
  const { image, chances, text, kind } = digit.answer({ ...rest, ...each });
  return { image: [...image], chances: [...chances], text, kind,
    texts: [digit.asParameters(params, ["pen"]), digit.asCommand("10", params, ["pen"]),
      digit.asStrokes(strokes)] };
});
"""


@pytest.fixture(scope="module")
def both(draw, tmp_path_factory):
    """Settings, the explorer in Python at them, and what JavaScript finds."""
    e = draw()
    cases = list(e.grid())
    question = {"layers": e.layers, "examples": e.examples, "cases": cases}
    folder = tmp_path_factory.mktemp("javascript")
    answers = browser.ask("digit/explorer", "digit", ASK, question, folder)
    return [(here_at(e, case), there) for case, there in zip(cases, answers, strict=True)]


def here_at(e, case):
    for name, value in case.items():
        setattr(e, name, value)
    texts = list(e.texts().values())
    return {"image": e.image.ravel(), "chances": e.probabilities, "text": e.text, "texts": texts}


def test_sigmoids_answer_alike_in_the_page_and_in_python(images, tmp_path):
    e = DigitExplorer(plain_network(), images, lesson="", hidden="sigmoid")
    cases = [{"digit": d, "pen": 2.0, "center": True, "strokes": []} for d in (-1, 3, 8)]
    question = {"layers": e.layers, "examples": e.examples, "cases": cases}
    answers = browser.ask("digit/explorer", "digit", ASK, question, tmp_path)
    plain = DigitExplorer(plain_network(), images)
    for case, there in zip(cases, answers, strict=True):
        here = here_at(e, case)["chances"]
        np.testing.assert_allclose(there["chances"], here, atol=1e-9)
        assert np.abs(here - here_at(plain, case)["chances"]).max() > 1e-3  # not ReLU's answer
    with pytest.raises(ValueError, match="use one of: relu, sigmoid"):
        DigitExplorer(plain_network(), images, hidden="tanh")


def test_javascript_sees_and_answers_as_python_does(both):
    assert len(both) > 100
    for here, there in both:
        np.testing.assert_allclose(there["image"], here["image"], atol=1e-9)
        np.testing.assert_allclose(there["chances"], here["chances"], atol=1e-9)


def test_javascript_says_and_copies_the_same_words(both):
    for here, there in both:
        assert there["text"] == here["text"]
        assert there["texts"] == here["texts"]


def test_all_three_kinds_of_answer_are_met(both):
    assert {there["kind"] for _, there in both} == {"sure", "leans", "torn"}


def test_words_name_what_lies_on_the_field():
    even = [0.1] * 10
    assert in_words(even, -1, 0)[1].startswith("An empty field: the network is torn, 0")
    assert in_words(even, 4, 0)[1].startswith("A held-out image of a 4: ")
    assert in_words(even, 4, 1)[1].startswith("A held-out image of a 4 with 1 stroke added: ")
    assert in_words([0.0] * 9 + [1.0], -1, 3) == (
        "sure",
        "A drawing of 3 strokes: the network is sure, 9 (probability 1.000).",
    )


# --- the widget ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"digit": 10}, "digit = 10; use 0 to 9, or -1"),
        ({"pen": 0.5}, r"pen = 0.5; use a width in \[1, 5\]"),
        ({"pen": float("nan")}, "pen = nan"),
        ({"strokes": [[1, 2, 3]]}, r"\[1.0, 2.0, 3.0\]"),
        ({"strokes": [[1, 29]]}, "in .0, 28."),
        ({"strokes": [[]]}, "x, y"),
        ({"strokes": [[1.0, 2.0] * 20_000]}, "more than 20,000"),
    ],
)
def test_bad_settings_are_refused_with_what_is_allowed(draw, bad, message):
    with pytest.raises(ValueError, match=message):
        draw(**bad)


def test_other_images_are_refused(images):
    with pytest.raises(ValueError, match=r"\(9, 28, 28, 1\)"):
        DigitExplorer(plain_network(), images[:9])


def test_numpy_layers_answer_as_a_model_of_the_same_weights(images, draw):
    layers = [layer.get_weights() for layer in plain_network().layers]
    e = DigitExplorer(layers, images, strokes=DRAWINGS["four"])
    np.testing.assert_array_equal(e.probabilities, draw(strokes=DRAWINGS["four"]).probabilities)
    with pytest.raises(ValueError, match="784 inputs and 30 outputs; give one with 784"):
        DigitExplorer(layers[:1], images)


def test_without_a_lesson_only_the_drawing_can_be_copied(draw):
    assert list(draw(lesson="").texts()) == ["Copy the drawing"]


def test_the_explorer_of_numpy_layers_loads_no_framework():
    code = (
        "import sys; import labkit.explore.start, labkit.explore.digit; "
        "sys.exit(bool({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_answer_follows_the_drawing(draw):
    e = draw(strokes=DRAWINGS["four"])
    before, text = e.png, e.text
    e.strokes = DRAWINGS["small"]
    assert e.png != before
    assert e.text != text
    assert e.probabilities.sum() == pytest.approx(1)


def test_walk_tries_every_digit_pen_and_drawing_and_names_a_failure(draw, monkeypatch):
    assert draw().walk() > 100

    def broken(chances, digit, count):
        return 1 / 0 if digit == 7 else ("sure", "fine")

    monkeypatch.setattr(explorer, "in_words", broken)
    with pytest.raises(kit.ExplorerError, match=r"digit=7.*ZeroDivisionError"):
        draw(digit=3).walk()


def test_live_display_has_the_widget_and_a_form_without_a_kernel(draw, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    e = draw(digit=3)
    data, _ = e._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == e.model_id
    assert data["text/plain"] == e.text


def test_executed_copies_hold_no_widget_without_its_kernel(draw, monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    data, _ = draw()._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"}


def test_html_is_self_contained_closed_and_small_at_full_size(images):
    page = DigitExplorer(plain_network(hidden=500), images).html()
    addresses = set(re.findall(r"""https?://[^\s"'<)]+""", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, never loaded
    assert not re.search(r"""\b(import\s*\(|import\s+[{*"']|fetch\(|@import|url\((?!#))""", page)
    assert page.count("</script>") == 1
    assert len(re.findall(r"<img [^>]*\balt=", page)) == 1
    assert len(page) < 500_000


# --- in a browser ----------------------------------------------------------------------------


def status(page):
    return page.locator(".status").inner_text()


def strokes_drawn(page):
    page.get_by_role("button", name="Copy the drawing").click()
    return json.loads(page.locator(".copied").inner_text().removeprefix("strokes = "))


def draw_with_mouse(page, points, steps=6):
    box = page.locator(".field").bounding_box()
    places = [
        (box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]) for x, y in points
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


@browser.needs_browser
@pytest.mark.slow
def test_drawing_with_the_mouse_gives_what_python_gives(still, draw):
    page = still(draw())
    assert status(page) == draw().text
    draw_with_mouse(page, [(9, 5), (8, 15), (20, 15)])
    draw_with_mouse(page, [(17, 6), (16, 24)])
    strokes = strokes_drawn(page)
    assert len(strokes) == 2
    assert all(len(stroke) >= 8 for stroke in strokes)
    here = draw(strokes=strokes)
    assert status(page) == here.text
    shown = [float(text) for text in page.locator(".bar b").all_inner_texts()]
    np.testing.assert_allclose(shown, here.probabilities, atol=5.1e-4)
    page.get_by_role("button", name="Undo").click()
    assert status(page) == draw(strokes=strokes[:1]).text
    page.get_by_role("button", name="Clear").click()
    assert status(page) == draw().text


@browser.needs_browser
@pytest.mark.slow
def test_drawing_with_the_keyboard_alone(still, draw):
    page = still(draw())
    page.locator(".field").focus()
    page.keyboard.press(" ")
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".hand").inner_text() == "Pen up, column 13, row 17."
    strokes = strokes_drawn(page)
    assert strokes == [[coordinate for k in range(10) for coordinate in (14, 8 + k)]]
    assert status(page) == draw(strokes=strokes).text
    page.locator(".field").focus()
    page.keyboard.press("Backspace")
    assert status(page) == draw().text


@browser.needs_browser
@pytest.mark.slow
def test_nothing_sticks_out_of_the_explorer_at_any_width(still, draw):
    page = still(draw())
    body = page.locator(".lk")
    for width in (1000, 936, 901, 837, 700, 640, 401):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(browser.SETTLED)
        room, needed = body.evaluate("(e) => [e.clientWidth, e.scrollWidth]")
        assert needed <= room, width


@browser.needs_browser
@pytest.mark.slow
def test_the_page_of_no_lesson_offers_no_settings_to_copy(still, draw):
    labels = still(draw(lesson="")).get_by_role("button").all_inner_texts()
    assert labels == ["Clear", "Undo", "Copy the drawing"]


@browser.needs_browser
@pytest.mark.slow
def test_every_control_acts(still, draw):
    page = still(draw(digit=3))
    assert status(page) == draw(digit=3).text
    page.get_by_label("held-out image").press("ArrowRight")
    assert status(page) == draw(digit=4).text
    draw_with_mouse(page, [(4, 2), (24, 2)])
    assert "with 1 stroke added" in status(page)
    page.get_by_label("held-out image").press("Home")
    assert "An empty field" in status(page)
    draw_with_mouse(page, [(3, 3), (6, 4), (3, 9)])
    strokes = strokes_drawn(page)
    page.get_by_label("pen width").press("ArrowRight")
    assert status(page) == draw(strokes=strokes, pen=2.25).text
    page.get_by_label("center and scale").uncheck()
    assert status(page) == draw(strokes=strokes, pen=2.25, center=False).text
    page.get_by_role("button", name="Copy as command").click()
    command = draw(strokes=strokes, pen=2.25, center=False).texts()["Copy as command"]
    assert page.locator(".copied").inner_text() == command


# From the event's own time stamp (the browser got the input) until the frame that shows it is
# handed over: two frames are the least that can be asked for.
TIMES = """() => {
  window.times = [];
  const bars = document.querySelector("figure div").shadowRoot.querySelector(".bars");
  addEventListener("pointermove", (event) => {
    const before = bars.innerHTML;
    requestAnimationFrame(() => {
      const after = bars.innerHTML;
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        if (after !== before) window.times.push(performance.now() - event.timeStamp);
      };
      channel.port2.postMessage(0);
    });
  }, true);
}"""


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.alone
def test_the_answer_comes_within_50_milliseconds_of_a_stroke(still, images):
    page = still(DigitExplorer(plain_network(hidden=500), images))
    page.evaluate(TIMES)
    for round_of in range(3):
        draw_with_mouse(page, [(6, 5 + round_of), (20, 6), (8, 22), (22, 20)], steps=12)
    page.wait_for_timeout(200)
    times = page.evaluate("() => window.times")
    print("stroke to answer, ms: median", round(np.median(times), 1), "worst", round(max(times), 1))
    assert len(times) > 40
    assert np.median(times) < 50


@browser.needs_browser
@pytest.mark.slow
def test_in_jupyterlab_the_page_draws_and_watches_while_the_kernel_trains(tmp_path):
    cells = [
        "import numpy as np\nfrom labkit.data import load_mnist\n"
        "from labkit.explore.network import DigitExplorer, LiveTraining\n"
        "from labkit.networks.backend import keras\nfrom labkit.networks.models import mlp\n"
        "d = load_mnist(); model = mlp(100)\n"
        "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])\n"
        "one_each = np.stack([d.x_test[d.y_test == k][0] for k in range(10)])\n"
        "draw = DigitExplorer(model, one_each, digit=3)\ndraw",
        "live = LiveTraining(model, d.x_train[:3500], d.y_train[:3500],\n"
        "    (d.x_train[3500:], d.y_train[3500:]), epochs=100)\nlive",
        "'later'",
    ]
    browser.write_notebook(tmp_path / "n.ipynb", *cells)
    artifacts = Path(__file__).parents[1] / "artifacts"
    artifacts.mkdir(exist_ok=True)
    with browser.Lab(tmp_path) as lab:
        page = lab.open("n.ipynb", theme="dark")
        assert lab.run(page)
        draw_with_mouse(page, [(5, 4), (24, 4)])
        page.locator(".status", has_text="with 1 stroke added").wait_for()
        browser.focus(page, page.locator(".field"))
        for key in ("ArrowDown", " ", "ArrowDown", " "):  # not for JupyterLab
            page.keyboard.press(key)
        page.locator(".status", has_text="with 2 strokes added").wait_for()
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 3
        browser.run_until(page, "print('kernel:', len(draw.strokes), draw.digit)", "kernel: 2 3")

        watched = page.locator(".labkit-explorer").first
        words = watched.get_by_role("status")
        watched.get_by_role("button", name="Start").click()
        wait = "import time\nwhile live.training.step < 4: time.sleep(0.05)\n"
        browser.run_last_cell(page, wait + "print('meanwhile:', live.running)")
        page.get_by_text("meanwhile: True").wait_for()
        watched.get_by_role("button", name="Pause").click()
        page.get_by_text("standing still").first.wait_for()
        stopped = words.inner_text()
        page.wait_for_timeout(400)
        assert words.inner_text() == stopped
        watched.get_by_role("button", name="1 update").click()
        page.wait_for_function("(old) => document.querySelector('.labkit-explorer .labkit-status')"
                               ".innerText !== old", arg=stopped)  # fmt: skip
        watched.get_by_role("button", name="Stop").click()
        page.get_by_text("is yours to use").first.wait_for()
        watched.scroll_into_view_if_needed()
        page.screenshot(path=artifacts / "network-live-dark.png")
        page.locator(".field").scroll_into_view_if_needed()
        page.screenshot(path=artifacts / "network-draw-dark.png")
        browser.run_last_cell(page, "print('kept:', live.training.model.count_params())")
        page.get_by_text("kept: 79510").wait_for()
        assert page.problems == []
        assert page.outside == []
