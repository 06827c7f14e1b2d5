"""The gradient descent explorer: JavaScript against Python, the widget, its forms, a browser."""

import base64
import io
import itertools
import re
import time
from pathlib import Path

import browser
import numpy as np
import pytest
from PIL import Image

from labkit.explore import kit
from labkit.explore.descent import (
    DescentExplorer,
    describe_surface,
    explain,
    explorer,
    picture,
    stable_rate,
    words,
)
from labkit.explore.kit import page as base
from labkit.maths.descent import OPTIMIZERS, SURFACES, descend

WITH_MOMENTUM = ("momentum", "nesterov")


def settings(surface="ravine", optimizer="sgd", learning_rate=0.1, steps=50, momentum=0.9, at=None):
    start_x, start_y = at or SURFACES[surface].start
    return {
        "surface": surface,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "steps": steps,
        "momentum": momentum,
        "start_x": start_x,
        "start_y": start_y,
    }


# Settings, their verdict, and words of the text, where it is easy to say something wrong.
TOLD = [
    # The second weight plays no part in the article's curve.
    ("article sgd 0.1 20 0 0.5", "converges", "converged in 9 steps"),
    ("article sgd 0.25 20 0 -1", "oscillates", "comes no closer (|w - w*| = 0.5)"),
    # Below the limit it comes closer, however slowly; at the limit it does not.
    ("bowl sgd 0.999 500 -4 3", "oscillates",
     "comes closer slowly, from 3.03 at step 250 (|w - w*| = 1.84)"),
    ("ravine sgd 0.399 60 -5 2", "oscillates",
     "comes closer slowly, from 1.77 at step 30 (|w - w*| = 1.48)"),
    ("bowl sgd 0.99999 20 -4 3", "oscillates", "comes hardly closer (|w - w*| = 5)"),
    ("bowl sgd 1.0 21 -4 3", "oscillates", "comes no closer (|w - w*| = 5)"),
    # Memory may lift J for a while: that is no divergence.
    ("bowl momentum 1.52 2 -4 3", "higher", "higher than at the start: J went from 25 to 50.8."),
    ("bowl momentum 1.52 500 -4 3", "converges", "converged in 307 steps"),
    ("bowl adam 1.0 10 0.1 0.1", "higher", "higher than at the start: J went from 0.02 to 0.341."),
    ("article adam 3.0 3 0 0", "higher", "higher than at the start: J went from 1 to"),
    ("bowl momentum 1.95 20 -4 3", "diverges", "diverging: J grew from 25 to"),
    # A weight that starts exactly at its best stays there.
    ("ravine sgd 1.5 100 -5 0", "converges", "below 0.4, and below 10 as long as w2 is exactly 0."),
    ("ravine sgd 1.5 100 -5 1e-9", "diverges", "diverged at step"),
    # Where the axes are rotated no weight walks alone.
    ("rotated sgd 0.3 400 -4 -3", "converges", "Theory: stable below 0.4."),
    ("rotated sgd 0.41 100 -5.2 -1.4", "diverges", "diverging: J grew from 12.5 to"),
    ("ravine momentum 2.9 3 -5 0", "crawls", "below 19 as long as w2 is exactly 0."),
    # So close to the minimum that the slope is nearly 0: that is no other place to be stuck in.
    ("ravine sgd 0.0001 10 3e-6 0", "crawls", "100 % of the way is left (|w - w*| = 3e-6)"),
    ("saddle sgd 0.2 100 -1.5 0", "gets stuck", "the gradient is 0 here, and this is no minimum"),
    # Farther away than at the start cannot be a share of the way.
    ("rosenbrock sgd 0.0005 5 0.5 0.5", "on its way", "J fell from 6.5 to 0.665 (|w - w*|"),
]  # fmt: skip


def told(line):
    surface, optimizer, *numbers = line.split()
    rate, steps, x, y = map(float, numbers)
    return settings(surface, optimizer, rate, int(steps), at=(x, y))


# --- JavaScript against Python ----------------------------------------------------------------

ASK = """
const answer = ({ cases, surfaces }) => cases.map((params) => {
  const info = surfaces[params.surface];
  const { path, losses, text, verdict, limit } = descent.explain(params, info);
  const copies = descent.copies(params, info, "01");
  return { path, losses, text, limit, verdict: verdict.kind, copies };
});
"""


def javascript(cases, folder):
    """What the page answers to each case, in node, or else in Chromium."""
    return browser.ask(
        "descent/words",
        "descent",
        ASK,
        {"cases": cases, "surfaces": explorer._catalog()["surfaces"]},
        folder,
    )


def _cases():
    rates = (0.0001, 0.0017, 0.01, 0.1, 0.25, 0.4, 1.0, 3.0)
    for surface, optimizer, rate in itertools.product(SURFACES, OPTIMIZERS, rates):
        for momentum in (0.0, 0.9, 0.99) if optimizer in WITH_MOMENTUM else (0.9,):
            yield settings(surface, optimizer, rate, 200, momentum)
        for steps in (0, 1, 2, 20):  # paths of these are beginnings of the one above; words differ
            yield settings(surface, optimizer, rate, steps)
    for surface, optimizer in itertools.product(SURFACES, OPTIMIZERS):
        yield settings(
            surface, optimizer, 0.05, 500, at=[pair[0] for pair in SURFACES[surface].bounds]
        )
    for name in SURFACES:
        for preset in describe_surface(name)["presets"]:
            yield settings(name) | preset["params"]
    yield from (told(line) for line, _, _ in TOLD)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """For every case: settings, what Python finds, what JavaScript finds, steps to compare."""
    cases = list(_cases())
    answers = javascript(cases, tmp_path_factory.mktemp("javascript"))
    runs = [explain(case) for case in cases]
    calm = [_calm_steps(case, run["path"]) for case, run in zip(cases, runs, strict=True)]
    return list(zip(cases, runs, answers, calm, strict=True))


def test_javascript_walks_as_python_does(both):
    skipped = total = 0
    for case, here, there, calm in both:
        path = np.array(there["path"])
        assert path.shape == here["path"].shape, case
        total, skipped = total + len(path), skipped + len(path) - calm
        scale = np.maximum(1, np.abs(here["path"]))
        assert np.all(np.abs(path - here["path"])[:calm] <= 1e-9 * scale[:calm]), case
    assert total > 80_000
    assert skipped < 0.025 * total  # else the comparison above would say little


def _calm_steps(case, path):
    """Steps before a walk turns chaotic: a start moved by 1e-13 then ends somewhere else.

    There even the last bit of a power function, where node and C differ, decides where it goes.
    """
    moved = descend(
        case["surface"],
        case["optimizer"],
        case["learning_rate"],
        case["steps"],
        start=np.array([case["start_x"], case["start_y"]]) * (1 + 1e-13),
        momentum=case["momentum"],
    )
    both = min(len(path), len(moved))
    gap = np.abs(moved[:both] - path[:both]) / np.maximum(1, np.abs(path[:both]))
    far = np.flatnonzero(gap.max(axis=1) > 1e-10)
    return int(far[0]) if far.size else len(path)


def test_javascript_finds_the_same_losses_and_limits(both):
    for _, here, there, calm in both:
        np.testing.assert_allclose(
            there["losses"][:calm], here["losses"][:calm], rtol=1e-8, atol=1e-9
        )
        assert (
            there["limit"] == pytest.approx(here["limit"]) if here["limit"] else not there["limit"]
        )


def test_javascript_says_the_same_words(both):
    for case, here, there, calm in both:
        if calm == len(here["path"]):
            assert (there["verdict"], there["text"]) == (here["verdict"], here["text"]), case
    assert len({there["verdict"] for _, _, there, _ in both}) >= 7  # every kind of verdict was met


def test_javascript_copies_the_same_settings(both):
    for case, _, there, _ in both:
        assert there["copies"] == DescentExplorer(**case).texts(), case


# --- theory and words -------------------------------------------------------------------------


@pytest.mark.parametrize("surface", ["article", "bowl", "ravine", "rotated"])
@pytest.mark.parametrize(
    ("optimizer", "momentum"),
    [("sgd", 0.9), ("momentum", 0.0), ("momentum", 0.5), ("momentum", 0.9), ("nesterov", 0.5),
     ("nesterov", 0.9)],
)  # fmt: skip
def test_stable_rate_divides_runs_that_shrink_from_runs_that_grow(surface, optimizer, momentum):
    limit = stable_rate(describe_surface(surface)["curvature"], optimizer, momentum)
    below, above = (
        explain(settings(surface, optimizer, factor * limit, 3000, momentum))["losses"]
        for factor in (0.99, 1.01)
    )
    assert below[-1] < 1e-3 * below[0]
    assert above[-1] > 1e3 * above[0]


@pytest.mark.parametrize(("line", "verdict", "text"), TOLD, ids=[line for line, _, _ in TOLD])
def test_what_is_said_is_so(line, verdict, text):
    run = explain(told(line))
    assert run["verdict"] == verdict
    assert text in run["text"]


STABLE = ["sgd", "momentum", "nesterov"]


@pytest.mark.parametrize("optimizer", STABLE)
@pytest.mark.parametrize("surface", ["article", "bowl", "ravine", "rotated"])
def test_no_run_below_the_limit_is_said_to_diverge_and_none_of_sgd_to_come_no_closer(
    surface, optimizer
):
    (low_x, high_x), (low_y, high_y) = SURFACES[surface].bounds
    starts = [(low_x, low_y), (high_x, 0.0), (0.1, high_y), (0.0, 0.01)]
    rates, steps = (0.2, 0.6, 0.9, 0.99, 0.999), (1, 2, 3, 7, 20, 61, 500)
    for at, share, count, momentum in itertools.product(starts, rates, steps, (0.0, 0.5, 0.9)):
        limit = stable_rate(describe_surface(surface)["curvature"], optimizer, momentum)
        run = explain(settings(surface, optimizer, share * limit, count, momentum, at))
        assert run["verdict"] != "diverges", run["text"]
        assert not (optimizer == "sgd" and "no closer" in run["text"]), run["text"]


@pytest.mark.parametrize("surface", SURFACES)
def test_nobody_is_stuck_close_to_a_minimum(surface):
    for x, y in itertools.product((-1e-5, 0, 3e-6, 1e-4), repeat=2):
        for minimum in describe_surface(surface)["minima"]:
            at = (minimum[0] + x, minimum[1] + y)
            for optimizer, rate in itertools.product(OPTIMIZERS, (0.0001, 0.01)):
                run = explain(settings(surface, optimizer, rate, 10, at=at))
                assert run["verdict"] != "gets stuck", run["text"]


def test_adaptive_optimizers_have_no_limit():
    assert stable_rate(5.0, "adam", 0.9) is None
    assert "Theory" not in explain(settings(optimizer="adam"))["text"]


@pytest.mark.parametrize("surface", SURFACES)
def test_presets_do_what_their_names_say(surface):
    for preset in describe_surface(surface)["presets"]:
        assert explain(settings(surface) | preset["params"])["verdict"] == preset["name"]


@pytest.mark.parametrize("surface", SURFACES)
def test_what_the_page_knows_of_a_surface_is_true(surface):
    info = describe_surface(surface)
    for minimum in info["minima"]:
        assert SURFACES[surface].gradient(minimum) == pytest.approx([0, 0])
        assert SURFACES[surface].value(minimum) == pytest.approx(info["lowest"])
    lines = info["levels"]["lines"]
    assert lines == sorted(lines)
    assert info["lowest"] <= info["levels"]["low"] <= lines[0] < lines[-1] < info["levels"]["high"]
    assert info["loss_axis"][0] < info["levels"]["high"] < info["loss_axis"][1]


def test_curvature_found_from_the_gradient_is_that_of_the_formula():
    assert describe_surface("saddle")["curvature"] == pytest.approx(2, rel=1e-6)
    assert describe_surface("rosenbrock")["curvature"] == pytest.approx(1001.6006, rel=1e-6)


def test_only_axes_along_the_weights_have_a_curvature_each():
    assert describe_surface("ravine")["curvatures"] == [0.2, 5.0]
    assert describe_surface("rotated")["curvatures"] == []
    assert describe_surface("rotated")["curvature"] == 5.0


def test_saddle_counts_both_minima():
    up, down = (explain(settings("saddle", "sgd", 0.2, 100, at=(-1.5, y))) for y in (0.01, -0.01))
    assert up["verdict"] == down["verdict"] == "converges"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (12.0, "12"), (0.125, "0.125"), (1.125, "1.13"), (-1.125, "-1.13"),
     (1234, "1230"), (99999.9, "100000"), (123456, "1.2e5"), (0.00099996, "1e-3"),
     (-1.26e-7, "-1.3e-7")],
)  # fmt: skip
def test_short_numbers(number, text):
    assert kit.short(number) == text


# --- the widget -------------------------------------------------------------------------------


def test_settings_are_traits_and_the_result_follows():
    e = DescentExplorer(surface="article", learning_rate=0.1, steps=20)
    assert e.result["path"][:3, 0] == pytest.approx([0, 0.4, 0.48])
    assert "converged in 9 steps" in e.text
    e.learning_rate = 0.3
    assert e.result["verdict"] == "diverges"
    assert "diverging: J grew from 1 to" in e.text
    assert e.params["learning_rate"] == 0.3


def test_a_new_surface_brings_its_own_start():
    e = DescentExplorer(surface="ravine")
    e.surface = "saddle"
    assert (e.start_x, e.start_y) == SURFACES["saddle"].start


def test_a_start_sent_along_with_the_surface_stays():
    e = DescentExplorer(surface="ravine")
    e.set_state({"surface": "saddle", "start_x": 0.5, "start_y": -0.5})  # as the page sends it
    assert (e.start_x, e.start_y) == (0.5, -0.5)


def test_a_start_of_none_is_the_surface_own():
    e = DescentExplorer(surface="bowl", start_x=None, start_y=None)
    assert (e.start_x, e.start_y) == SURFACES["bowl"].start
    assert "start_x" not in e.lesson_params
    assert DescentExplorer(surface="bowl", start_x=1.0).lesson_params["start_x"] == 1.0


def test_kept_runs_take_what_they_do_not_say_from_the_settings():
    e = DescentExplorer(surface="bowl", steps=30, kept=[{"optimizer": "adam"}])
    assert e.kept == [settings("bowl", "adam", 0.1, 30)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"surface": "hill"}, r"'hill'.*article, bowl, ravine, rotated, saddle, rosenbrock"),
        ({"optimizer": "SGD"}, r"'SGD'.*sgd, momentum, nesterov"),
        ({"learning_rate": 0}, r"learning_rate = 0;.*\[0.0001, 3\]"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan"),
        ({"steps": 501}, r"steps = 501;.*\[0, 500\]"),
        ({"steps": 2.5}, r"steps = 2.5; use a whole number"),
        ({"momentum": True}, r"momentum = True"),
        ({"start_x": 9}, r"start_x on the ravine surface = 9;.*\[-6, 3\]"),
        ({"hide": ["rate"]}, r"'rate'.*learning_rate.*presets"),
        ({"kept": [{"optimizer": "best"}]}, r"'best'.*sgd"),
    ],
)
def test_bad_start_values_are_refused_with_what_is_allowed(bad, message):
    with pytest.raises(ValueError, match=message):
        DescentExplorer(**bad)


def test_unknown_settings_are_refused_with_those_there_are():
    with pytest.raises(TypeError, match=r"'rate'.*learning_rate"):
        DescentExplorer(rate=0.1)


def test_bad_values_are_refused_later_too():
    e = DescentExplorer()
    with pytest.raises(ValueError, match=r"start_y.*\[-3, 3\]"):
        e.start_y = 4
    with pytest.raises(ValueError, match="use one of"):
        e.optimizer = "newton"
    assert (e.start_y, e.optimizer) == (2.0, "sgd")


# --- the picture and the forms it takes -------------------------------------------------------


def decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def pixels(e):
    return decoded(e.png)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_picture_changes_with_the_settings_and_back(surface):
    e = DescentExplorer(surface=surface, learning_rate=0.01)
    before, size = pixels(e), pixels(e).shape
    for change in ({"learning_rate": 0.3}, {"optimizer": "adam"}, {"steps": 3}):
        for name, value in change.items():
            setattr(e, name, value)
        assert pixels(e).shape == size
        assert (pixels(e) != before).any()
    e.learning_rate, e.optimizer, e.steps = 0.01, "sgd", 50
    assert (pixels(e) == before).all()


def test_a_kept_run_shows():
    alone, beside = DescentExplorer(), DescentExplorer(kept=[{"optimizer": "momentum"}])
    assert (pixels(alone) != pixels(beside)).any()


def test_walk_tries_all_surfaces_and_optimizers_quickly():
    began = time.process_time()
    assert DescentExplorer().walk() > 500
    assert time.process_time() - began < 4  # 1.3 s on a free core
    tried = {(each["surface"], each["optimizer"]) for each in explorer._grid()}
    assert tried == set(itertools.product(SURFACES, OPTIMIZERS))


@pytest.mark.parametrize(("room", "fault"), [(words, "_judge"), (picture, "_place_run")])
def test_walk_names_the_settings_at_which_something_fails(monkeypatch, room, fault):
    whole = getattr(room, fault)

    def broken(*arguments):
        info = next(each for each in arguments if isinstance(each, dict) and "levels" in each)
        if info["local"]:  # only on the saddle and on rosenbrock
            raise ZeroDivisionError("planted")
        return whole(*arguments)

    monkeypatch.setattr(room, fault, broken)
    with pytest.raises(kit.ExplorerError, match=r'DescentExplorer\(surface="saddle.*planted'):
        DescentExplorer().walk()


def test_display_in_a_headless_run_walks_over_other_settings_too(monkeypatch):
    whole = words._judge

    def broken(params, info, *rest):
        return 1 / 0 if info["local"] else whole(params, info, *rest)

    base._walked.discard(DescentExplorer)
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    monkeypatch.setattr(words, "_judge", broken)
    with pytest.raises(kit.ExplorerError, match=r"saddle.*ZeroDivisionError"):
        DescentExplorer(surface="ravine")._repr_mimebundle_()


def test_the_picture_holds_start_path_and_end():
    e = DescentExplorer(surface="ravine", steps=20, start_x=-4.0)
    assert e.png
    shown = picture._picture("ravine", 20).moving
    assert shown["start"].get_xydata().tolist() == [[-4.0, 2.0]]
    assert shown["path0"].get_xydata() == pytest.approx(e.result["path"])
    assert shown["now"].get_xydata() == pytest.approx(e.result["path"][-1:])
    assert shown["loss0"].get_ydata() == pytest.approx(e.result["losses"])


def test_live_display_has_the_widget_and_forms_without_a_kernel(monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    e = DescentExplorer()
    data, metadata = e._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == e.model_id
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"] == e.text


def test_executed_copies_hold_no_widget_without_its_kernel(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    data, _ = DescentExplorer()._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}


def test_html_is_self_contained_and_closed():
    page = DescentExplorer().html()
    addresses = set(re.findall(r"""https?:[^\s"'`)]*""", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, never loaded
    assert not re.search(r"""\b(import\s*\(|import\s+[{*"']|fetch\(|@import|url\((?!#))""", page)
    assert page.count("</script>") == 1
    assert len(re.findall("<img ", page)) == 1


def test_html_escapes_what_could_close_the_script():
    e = DescentExplorer()
    e.lesson = "</script><b>"
    assert e.html().count("</script>") == 1


# --- in a browser -----------------------------------------------------------------------------


def status(page):
    return page.locator(".status").inner_text()


def panels(page):
    return page.locator(".panels").screenshot()


@browser.needs_browser
@pytest.mark.slow
def test_static_page_lives_without_network(still):
    e = DescentExplorer(surface="ravine", learning_rate=0.1)
    page = still(e)
    assert status(page) == e.text
    before = panels(page)
    page.get_by_label("learning rate", exact=True).focus()
    page.keyboard.press("PageUp")
    page.evaluate(browser.SETTLED)
    e.learning_rate = float(page.get_by_label("learning rate, typed").input_value())
    assert e.learning_rate == pytest.approx(0.2)
    assert status(page) == e.text
    assert panels(page) != before


@browser.needs_browser
@pytest.mark.slow
def test_every_control_acts(still):
    page = still(DescentExplorer(surface="ravine", learning_rate=0.1, steps=20))
    seen = {status(page)}

    def acted():
        new = status(page) not in seen
        seen.add(status(page))
        return new

    page.get_by_label("optimizer").select_option("momentum")
    assert acted()
    page.get_by_label("momentum", exact=True).press("ArrowLeft")
    assert acted()
    page.get_by_label("steps", exact=True).press("ArrowRight")
    assert acted()
    page.get_by_role("button", name="1 step").click()
    assert "22 steps" in status(page)
    page.get_by_role("button", name="10 steps").click()
    assert "32 steps" in status(page)
    page.get_by_role("button", name="Reset").click()
    assert "at the start" in status(page)
    page.get_by_role("button", name="diverges").click()
    assert "diverged at step" in status(page)
    page.get_by_label("Ravine").press("ArrowRight")
    assert "on the rotated surface" in status(page)
    page.get_by_label("learning rate, typed").fill("0.5")
    page.get_by_label("learning rate, typed").press("Enter")
    assert "learning rate 0.5" in status(page)


@browser.needs_browser
@pytest.mark.slow
def test_start_is_dragged_and_moved_by_keys(still):
    page = still(DescentExplorer(surface="bowl"))
    handle = page.get_by_role("slider", name="start point")
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y + 40, steps=4)
    page.mouse.up()
    dragged = handle.get_attribute("aria-valuetext")
    assert dragged != "w1 = -4, w2 = 3"
    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    before, after = (
        [float(n) for n in re.findall(r"= (-?[\d.]+)", text)]
        for text in (dragged, handle.get_attribute("aria-valuetext"))
    )
    assert np.subtract(after, before) == pytest.approx([-0.1, -0.01])


@browser.needs_browser
@pytest.mark.slow
def test_kept_runs_stay_and_go(still):
    page = still(DescentExplorer(surface="ravine"))
    drawn = page.locator(".panels")
    alone, markup = decoded(panels(page)), drawn.inner_html()
    page.get_by_role("button", name="Keep this run").click()
    page.get_by_label("optimizer").select_option("momentum")
    assert page.get_by_role("listitem").count() == 2
    page.get_by_role("button", name=re.compile("^remove sgd")).click()
    assert page.get_by_role("listitem").count() == 1
    page.get_by_label("optimizer").select_option("sgd")
    assert drawn.inner_html() == markup
    # A partly painted page may round the edge of a line otherwise.
    assert (decoded(panels(page)) != alone).sum() < 10


@browser.needs_browser
@pytest.mark.slow
def test_copies_show_what_they_copy(still):
    e = DescentExplorer(surface="bowl", start_x=1.0)
    page = still(e)
    for label, text in e.texts().items():
        page.get_by_role("button", name=label).click()
        assert page.locator(".copied").inner_text() == text


@browser.needs_browser
@pytest.mark.slow
def test_the_word_copied_stands_beside_the_button(still):
    from playwright.sync_api import expect

    page = still(DescentExplorer(), permissions=["clipboard-write"])
    button = page.get_by_role("button", name="Copy as command")
    button.click()
    said = page.locator(".said")
    # A page from disk may have no clipboard.
    expect(said).to_have_text(re.compile(rf"Copied\.|{NO_CLIPBOARD}"))
    row, word = button.bounding_box(), said.bounding_box()
    assert row["y"] < word["y"] + word["height"] / 2 < row["y"] + row["height"]
    page.get_by_label("steps", exact=True).press("ArrowRight")
    assert "steps=51" in page.locator(".copied").inner_text()  # the text follows the settings
    assert said.inner_text() == ""  # but this one was not copied


NO_CLIPBOARD = "This browser does not let the page copy; the text below is selected."


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 700.4, 919.6, 923.5])
def test_nothing_is_wider_than_the_room_there_is(still, width):
    page = still(DescentExplorer(), body=f"width:{width}px;margin:0;overflow-x:auto")
    room = page.evaluate("() => [document.body.scrollWidth, document.body.clientWidth]")
    assert room[0] <= room[1]


@browser.needs_browser
@pytest.mark.slow
def test_play_after_reset_starts_from_0(still):
    page = still(DescentExplorer(surface="ravine", steps=100))
    page.get_by_role("button", name="Reset").click()
    assert "at the start" in status(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(150)
    shown = page.get_by_role("slider", name="step shown")
    assert 0 <= int(shown.get_attribute("aria-valuenow")) < 50
    assert shown.get_attribute("aria-valuemax") == "100"  # as many steps as before
    page.get_by_role("button", name="Pause").click()
    assert "100 steps" in status(page)


@browser.needs_browser
@pytest.mark.slow
def test_play_works_where_no_step_was_taken_yet(still):
    page = still(DescentExplorer(surface="ravine", steps=0))
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_label("steps, typed").input_value() == "50"


@browser.needs_browser
@pytest.mark.slow
def test_a_style_sheet_that_comes_late_changes_the_theme_at_once(still):
    page = still(DescentExplorer())
    drawn = "(map) => map.toDataURL()"
    body, before = page.locator(".lk"), page.locator(".map").evaluate(drawn)
    assert body.get_attribute("data-theme") == "light"
    for color, theme in (("#eee", "dark"), ("#111", "light")):
        page.wait_for_timeout(700)  # nothing announces it: no attribute changes
        page.add_style_tag(content=f"body {{ color: {color}; background: gray; }}")
        page.wait_for_timeout(150)
        assert body.get_attribute("data-theme") == theme
        assert (page.locator(".map").evaluate(drawn) == before) == (theme == "light")


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_play_moves_only_where_motion_is_wanted(still, motion):
    page = still(DescentExplorer(surface="ravine", steps=100), reduced_motion=motion)
    shown = page.get_by_role("slider", name="step shown")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    step = int(shown.get_attribute("aria-valuenow"))
    if motion == "reduce":
        assert step == 100
    else:
        assert 0 < step < 100
        page.get_by_role("button", name="Pause").click()
        paused = shown.get_attribute("aria-valuenow")
        page.wait_for_timeout(150)
        assert shown.get_attribute("aria-valuenow") == paused


@browser.needs_browser
@pytest.mark.slow
def test_hidden_controls_are_not_there(still):
    hide = ["surface", "optimizer", "momentum", "start", "presets", "stepping", "keep", "copy"]
    page = still(DescentExplorer(surface="article", hide=hide))
    assert page.get_by_role("radio").count() == page.get_by_role("button").count() == 0
    names = page.get_by_role("slider").evaluate_all(
        "(all) => all.map((e) => e.getAttribute('aria-label') ?? e.labels[0].textContent)"
    )
    assert names == ["learning rate", "steps", "step shown"]


@browser.needs_browser
@pytest.mark.slow
def test_the_limit_can_be_left_to_the_reader_to_find(still):
    told, silent = DescentExplorer(), DescentExplorer(hide=["limit"])
    assert told.text == f"{silent.text} Theory: stable below 0.4."
    page = still(silent, told)
    statuses = page.locator(".status").all_inner_texts()
    assert statuses == [silent.text, told.text]
    assert sum(mark.is_visible() for mark in page.locator(".mark span").all()) == 1
    values = page.get_by_label("learning rate", exact=True)
    assert values.nth(0).get_attribute("aria-valuetext") == "0.1"
    assert values.nth(1).get_attribute("aria-valuetext") == "0.1, limit 0.4"


@browser.needs_browser
@pytest.mark.slow
def test_every_control_has_a_name_and_the_theme_is_found(still):
    dark = "background:#111;color:#eee"
    page = still(DescentExplorer(), DescentExplorer(surface="article"), body=dark)
    assert page.locator(".lk").first.get_attribute("data-theme") == "dark"
    nameless = page.locator("input, select, button, [role=slider]").evaluate_all(
        "(all) => all.filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim()"
        " || e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert nameless == []


@browser.needs_browser
@pytest.mark.slow
def test_picture_shows_where_scripts_do_not_run(still):
    page = still(DescentExplorer(), java_script_enabled=False)
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == DescentExplorer().text
    assert picture.bounding_box()["width"] > 500


NOTEBOOK = [
    "from labkit.explore.descent import DescentExplorer\n"
    "e = DescentExplorer(surface='ravine', learning_rate=0.1)",
    "e",
    "print('rate is', e.learning_rate, e.surface)",
]


@browser.needs_browser
@pytest.mark.slow
def test_html_page_of_an_executed_notebook_lives(chromium, tmp_path, monkeypatch):
    import nbclient
    import nbformat
    from nbconvert import HTMLExporter

    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    browser.write_notebook(tmp_path / "n.ipynb", *NOTEBOOK)
    notebook = nbformat.read(tmp_path / "n.ipynb", 4)
    nbclient.NotebookClient(notebook, store_widget_state=False, timeout=120).execute()
    (tmp_path / "n.html").write_text(HTMLExporter().from_notebook_node(notebook)[0])
    page = chromium.new_context(offline=True).new_page()
    failed = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto((tmp_path / "n.html").as_uri(), wait_until="commit")
    page.locator(".status").wait_for()
    before = panels(page)
    page.get_by_role("button", name="diverges").click()
    assert "diverged at step" in status(page)
    assert panels(page) != before
    assert [each for each in failed if "descent" in each or "labkit" in each] == []


@browser.needs_browser
@pytest.mark.slow
def test_in_jupyterlab_page_and_kernel_agree(tmp_path):
    browser.write_notebook(tmp_path / "n.ipynb", *NOTEBOOK)
    artifacts = Path(__file__).parents[1] / "artifacts"
    artifacts.mkdir(exist_ok=True)
    with browser.Lab(tmp_path) as lab:
        page = lab.open("n.ipynb", theme="dark")
        assert lab.run(page)
        page.locator(".lk[data-theme=dark]").wait_for()
        before = panels(page)
        browser.focus(page, page.get_by_label("learning rate", exact=True))
        page.keyboard.press("PageUp")
        browser.focus(page, page.get_by_label("optimizer"))
        selected = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"
        cell = page.evaluate(selected)
        page.keyboard.press("ArrowDown")
        page.evaluate(browser.SETTLED)
        assert page.evaluate(selected) == cell  # the arrow went to the menu, not to the notebook
        assert page.get_by_label("optimizer").input_value() == "momentum"
        assert panels(page) != before
        page.screenshot(path=artifacts / "descent-jupyterlab-dark.png")
        turn = "e.surface = 'saddle'; print('rate is', e.learning_rate, e.optimizer)"
        browser.run_until(page, turn, "rate is 0.2 momentum")
        page.get_by_text("momentum (0.9) on the saddle surface").wait_for()
        for theme in ("light", "dark", "light", "dark"):  # style sheets come and go, in this order
            lab.change_theme(page, theme)
            page.wait_for_timeout(300)
            assert page.locator(".lk").get_attribute("data-theme") == theme
        assert page.problems == []
        assert page.outside == []


@browser.needs_browser
@pytest.mark.slow
def test_untrusted_notebook_shows_the_picture(tmp_path, monkeypatch):
    import nbformat

    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    e = DescentExplorer(surface="ravine", learning_rate=0.1)
    browser.write_notebook(tmp_path / "n.ipynb", *NOTEBOOK)
    notebook = nbformat.read(tmp_path / "n.ipynb", 4)
    data, metadata = e._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data, metadata=metadata, execution_count=1)
    notebook.cells[1].outputs = [output]
    nbformat.write(notebook, tmp_path / "n.ipynb")
    with browser.Lab(tmp_path) as lab:
        page = lab.open("n.ipynb")
        picture = page.locator(".jp-OutputArea img")
        picture.wait_for()
        assert picture.get_attribute("alt") == e.text
        assert page.evaluate("(image) => image.naturalWidth", picture.element_handle()) == 1000
        assert page.locator(".lk").count() == 0
