"""Explorers in a page with Python of its own: as plain data, turned by JSON, with guesses kept."""

import json
import re

import browser
import pytest

from labkit import machine
from labkit.data import packaged
from labkit.explore import predict as predicting
from labkit.explore.activations import ActivationExplorer
from labkit.explore.descent import DescentExplorer
from labkit.explore.flow import FlowExplorer
from labkit.explore.folding import FoldingExplorer
from labkit.explore.graph import GraphExplorer
from labkit.explore.kit import controls, in_page, state_link
from labkit.explore.losses import OutlierExplorer, PredictionExplorer
from labkit.explore.metrics import ThresholdExplorer
from labkit.explore.predict import predict
from labkit.explore.regions import RegionsExplorer
from labkit.explore.start import StartExplorer
from labkit.lab import progress

EXPLORERS = [
    StartExplorer,
    PredictionExplorer,
    OutlierExplorer,
    RegionsExplorer,
    ActivationExplorer,
    GraphExplorer,
    FlowExplorer,
    FoldingExplorer,
    ThresholdExplorer,
]


@pytest.fixture
def page(monkeypatch):
    """Python seems to run in a page, where somebody looks on; what it sends is collected."""
    digits = packaged.packaged_path(packaged.PACKAGED["mnist"])
    monkeypatch.setenv("LABKIT_DATA", str(digits.parent))  # a page has the file, not the package
    monkeypatch.setattr(machine, "in_page", lambda: True)
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    sent = []
    in_page.start(sent.append)
    yield sent
    in_page.start(None)


def call(**asked):
    return json.loads(in_page.call(json.dumps(asked)))


def by_name(state):
    return {control["name"]: control for control in state["controls"]}


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_every_kernel_explorer_of_the_first_lessons_goes_through_json_and_back(page, explorer):
    made = explorer()
    state = made._repr_mimebundle_()[in_page.MIME]
    assert json.loads(json.dumps(state)) == state
    assert [c["name"] for c in state["controls"]] == list(made.params)
    ends = {
        name: len(c["options"]) - 1 if "options" in c else c["max"]
        for name, c in by_name(state).items()
    }
    answer = call(do="set", id=state["id"], values=ends)
    assert {name: c["value"] for name, c in by_name(answer).items()} == ends
    assert answer["text"] == made.text
    assert answer["texts"] == made.texts()
    assert state_link.split_hash(answer["hash"])[1].keys() == made.params.keys()
    assert answer["html"] != state["html"]
    for label in state["presets"]:
        pressed = call(do="press", id=state["id"], button=label)
        assert "error" not in pressed
        assert made.params | made.presets[label] == made.params


def test_a_slider_over_stops_is_set_by_the_index_of_its_stop(page):
    made = StartExplorer(learning_rate=0.01)
    rate = by_name(in_page.state(made))["learning_rate"]
    assert (rate["kind"], rate["readout"]) == ("log", "0.01")
    call(do="set", id=in_page.join(made), values={"learning_rate": rate["options"].index("0.05")})
    assert made.params["learning_rate"] == 0.05


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"steps": 101}, r"use a whole number in \[0, 100\]"),
        ({"learning_rate": 99}, "use a number from 0 to 40"),
        ({"learning_rate": "0.05"}, "use a number from 0 to 40"),
        ({"speed": 1}, "speed"),
    ],
)
def test_what_cannot_be_set_is_said_and_changes_nothing(page, values, told):
    made = StartExplorer()
    before = made.params
    answer = call(do="set", id=in_page.join(made), values=values)
    assert set(answer) == {"id", "error"}
    assert re.search(told, answer["error"])
    assert made.params == before


def test_an_unknown_button_is_answered_with_those_there_are(page):
    id = in_page.join(StartExplorer())
    assert "rate 0.001, rate 0.03" in call(do="press", id=id, button="rate 7")["error"]


def test_switch_text_menu_and_a_control_of_another_kind():
    import ipywidgets as widgets

    assert in_page.control_as_data("on", controls.switch(True))["readout"] == "on"
    assert in_page.control_as_data("word", widgets.Text("hat"))["value"] == "hat"
    menu = in_page.control_as_data("many", controls.choice(3, list(range(9))))
    assert (menu["kind"], menu["value"]) == ("menu", 3)
    with pytest.raises(TypeError, match="ColorPicker, which a page cannot show"):
        in_page.control_as_data("color", widgets.ColorPicker())


def test_what_the_page_changes_of_a_page_explorer_python_has_and_is_not_told_back(page):
    made = DescentExplorer(surface="article")
    html = made._repr_mimebundle_()[0]["text/html"]
    id = in_page.join(made)
    assert f'"kernel": "{id}"' in html
    assert call(do="changed", id=id, values={"steps": 7, "only the page": 1}) == {}
    assert made.steps == 7
    assert page == []
    made.steps = 9
    assert page == [{"type": "changed", "id": id, "values": {"steps": 9}}]


def test_a_bad_value_of_a_page_explorer_is_said(page):
    made = DescentExplorer(surface="article")
    assert "error" in call(do="changed", id=in_page.join(made), values={"steps": "many"})


def test_a_prediction_asks_in_the_page_and_keeps_the_first_guess(page, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path))
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(predicting, "in_notebook", lambda: True)
    ask = {"number": (0, 1), "answer": 0.25, "because": "so it is"}
    asked = predict("01", "rate", "How large?", **ask)
    bundle, _ = asked._repr_mimebundle_()
    assert "0.25" not in bundle["text/plain"]
    id = in_page.join(asked)
    assert f'"kernel": "{id}"' in bundle["text/html"]
    guess = {"guess": 0.3, "close": True, "shown": False}
    assert call(do="changed", id=id, values={"kept": guess}) == {}
    (line,) = progress.read(tmp_path)
    assert (line["what"], line["name"], line["guess"]) == ("guess", "rate", 0.3)
    assert predict("01", "rate", "How large?", **ask).kept["guess"] == 0.3


def test_what_needs_threads_says_so_in_a_page(page):
    import labkit

    with pytest.raises(machine.NotInPageError, match=r"labkit\.sweep needs processes and threads"):
        _ = labkit.sweep


def test_the_end_of_an_address_turns_controls_and_a_bad_one_is_told():
    explorer = StartExplorer()
    ask = {"do": "link", "id": in_page.join(explorer)}
    state = json.loads(in_page.call(json.dumps(ask | {"text": "#cell-id=explorer&steps=7"})))
    assert explorer.params["steps"] == 7
    assert "After 7 steps" in state["text"]
    told = json.loads(in_page.call(json.dumps(ask | {"text": "#cell-id=explorer&steps=700"})))
    assert "steps = 700; use a whole number in [0, 100]" in told["error"]
    assert explorer.params["steps"] == 7


HEARS = """
  window.heard = []; window.ears = {};
  window.labkitKernel = {
    changed: (id, values) => window.heard.push([id, values]),
    listen: (id, ear) => { window.ears[id] = ear; return () => {}; },
  };
"""


@browser.needs_browser
@pytest.mark.slow
def test_in_a_browser_a_guess_and_a_turn_reach_python_and_a_change_of_python_the_page(page):
    from playwright.sync_api import sync_playwright

    ask = {"choices": ["up", "down"], "answer": "down", "because": "so it is"}
    asked, turned = predict("01", "way", "Which way?", **ask), DescentExplorer(surface="article")
    parts = [each._repr_mimebundle_()[0]["text/html"] for each in (asked, turned)]
    html = f"<!doctype html><script>{HEARS}</script><body>{''.join(parts)}"
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser.find_browser(), args=browser.QUIET)
        shown = chromium.new_page()
        shown.set_default_timeout(10_000)
        shown.set_content(html)
        shown.get_by_text("up", exact=True).click()
        shown.get_by_role("button", name="That is my guess").click()
        shown.wait_for_function("heard.length > 0")
        ((id, values),) = shown.evaluate("heard")
        assert id == in_page.join(asked)
        assert values["kept"]["guess"] == "up"
        assert call(do="changed", id=id, values=values) == {}
        assert asked.kept["guess"] == "up"

        id = in_page.join(turned)
        shown.get_by_role("slider", name="learning rate").press("ArrowRight")
        shown.wait_for_function("heard.length > 1")
        told, values = shown.evaluate("heard")[1]
        assert told == id
        assert call(do="changed", id=id, values=values) == {}
        rate = shown.get_by_role("slider", name="learning rate")
        seen = "slider => [slider.value, slider.getAttribute('aria-valuetext')].join()"
        before = rate.evaluate(seen)
        shown.evaluate("id => ears[id]({ steps: 3, learning_rate: 0.2 })", id)
        shown.wait_for_timeout(300)
        assert rate.evaluate(seen) != before
        chromium.close()
