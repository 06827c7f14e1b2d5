"""An explorer's settings as a link: JavaScript against Python, what is refused, and pages."""

import json
import math
import random

import browser
import numpy as np
import pytest
import synthetic
from plain_network import plain_network

from labkit.data.drawing import image_of
from labkit.explore.attention import LookExplorer
from labkit.explore.board import page as board
from labkit.explore.board.explorer import ResultsExplorer
from labkit.explore.convolution import SlidingWindow
from labkit.explore.descent import DescentExplorer
from labkit.explore.digit import DRAWINGS, DigitExplorer
from labkit.explore.kit import state_link as links
from labkit.explore.language import WriteExplorer
from labkit.explore.neuron import NeuronExplorer
from labkit.explore.start import StartExplorer
from labkit.explore.training import TrainingExplorer
from labkit.lab import table
from labkit.networks.tokens import train
from labkit.networks.transformer import Decoder, random_weights

RULES = {
    "rate": links.number(0.0001, 3.0),
    "steps": links.number(0, 500, whole=True),
    "surface": links.choice(["bowl", "ra vine", "é~*'()!&=#"]),
    "size": links.choice([1, 2.5, 784]),
    "at": links.number_by("surface", {"bowl": (-4, 4), "ra vine": (0, 8.5)}),
    "center": links.flag(),
    "word": links.text(12),
    "weights": links.numbers(3, -10, 10),
    "hide": links.names(["presets", "copy"]),
    "kept": links.records({"rate": links.number(0, 1), "rule": links.choice(["sgd", "adam"])}),
    "strokes": links.strokes(28, 100),
    "filters": links.filters(["param.rate", "result.loss"]),
}
OWN = {"surface": "bowl"}
VALUES = [
    {},
    {"rate": 0.1, "steps": 20, "surface": "ra vine", "at": 8.5, "center": True},
    {"rate": 1.0, "steps": 0, "center": False, "word": ""},
    {"rate": 1e-4, "size": 2.5, "surface": "é~*'()!&=#", "word": 'a+b "c" \\ 中'},
    {"weights": [1.0, -0.5, 1e-7], "hide": ["copy"], "filters": {}},
    {"kept": [{"rate": 0.5, "rule": "adam"}, {"rule": "sgd", "rate": 1.0}], "hide": []},
    {"strokes": [[0.0, 0.0, 28.0, 28.0], [3.06, 4.0], [1.0, 1.0, 1.1, 1.1, 1.2, 1.0, 9.0, 9.0]]},
    {"filters": {"param.rate": {"values": [0.1, "a", None, True]}}},
    {"filters": {"result.loss": {"low": 0.25, "high": 1e22}}, "size": 784},
]
TEXTS = [
    "#", "", "#cell-id=a", "#cell-id=a&steps=20&rate=.5", "#steps=1e2", "#steps=1e999", "#steps=",
    "#steps=0x10", "#steps= 7", "#steps=7.5", "#steps=501", "#steps=-0", "#rate=NaN", "#rate=%zz",
    "#surface=moon", "#surface=ra+vine&at=8.5", "#at=8.5", "#at=-4&surface=bowl", "#size=2.50",
    "#size=2.5", "#center=true", "#center=True", "#word=" + "x" * 12, "#word=" + "x" * 60,
    "#word=%F0%9F%99%82%F0%9F%99%82%F0%9F%99%82%F0%9F%99%82%F0%9F%99%82%F0%9F%99%82%F0%9F%99%82",
    "#weights=[1,2]", "#weights=[1,2,11]", "#weights=[1,2,true]", "#weights=[1,2,3]", "#weights=[",
    "#weights=NaN", "#weights=[NaN,1,2]", "#weights={}", "#hide=[\"copy\"]", "#hide=[\"rate\"]",
    "#hide=[1]", "#hide=copy", "#kept=[]", "#kept=[{}]", "#kept={}", "#kept=[1]",
    '#kept=[{"rate":0.5,"rule":"adam"}]', '#kept=[{"rate":2,"rule":"adam"}]',
    '#kept=[{"rate":"1","rule":"adam"}]', '#kept=[{"rate":0.5,"rule":"adam","more":1}]',
    "#strokes=", "#strokes=AADgAP8", "#strokes=AADgAP8=", "#strokes=AADgAA", "#strokes=AP8",
    "#strokes=A", "#strokes=%2B", "#strokes=4QD_", "#strokes=_w", '#filters={"param.rate":1}',
    '#filters={"param.rate":{"values":[[1]]}}', '#filters={"other":{"values":[1]}}',
    '#filters={"param.rate":{"low":1,"high":2}}', '#filters={"param.rate":{"low":1}}',
    "#filters=[]", "#other=1",
    "#steps=1&steps=2", "#a&b=&steps=3", "#toString=1", "#__proto__=1", "#steps=1&&",
]  # fmt: skip
ASK = """
const answer = ({ rules, own, values, texts }) => ({
  written: values.map((each) => link.asHash("a cell", each, rules)),
  read: texts.map((text) => {
    const { cell, given } = link.splitHash(text);
    return { cell, given, ...link.readSettings(given, rules, own) };
  }),
});
"""


def told(given: dict) -> dict:
    """What Python says of the settings of a link, as the page says it."""
    try:
        return {"values": links.read_settings(given, RULES, OWN), "problem": ""}
    except ValueError as error:
        return {"values": {}, "problem": str(error)}


def drawings(count: int) -> list:
    rng = random.Random(0)
    lengths = [[rng.randint(1, 12) for _ in range(rng.randint(0, 4))] for _ in range(count)]
    return [[[rng.uniform(0, 28) for _ in range(2 * n)] for n in each] for each in lengths]


def test_javascript_writes_and_reads_links_as_python_does(tmp_path):
    values = [*VALUES, *({"strokes": each} for each in drawings(30))]
    written = [links.as_hash("a cell", each, RULES) for each in values]
    texts = [*TEXTS, *written]
    question = {"rules": RULES, "own": OWN, "values": values, "texts": texts}
    answers = browser.ask("state_link", "link", ASK, question, tmp_path)
    assert answers["written"] == written
    for text, there in zip(texts, answers["read"], strict=True):
        cell, given = links.split_hash(text)
        assert there == {"cell": cell, "given": given, **told(given)}, text
    assert sum(bool(each["problem"]) for each in answers["read"]) > 30  # some of each
    assert sum(bool(each["values"]) for each in answers["read"]) > 30


@pytest.mark.parametrize("values", VALUES)
def test_what_is_written_is_read_again(values):
    cell, given = links.split_hash(links.as_hash("cell", values, RULES))
    found = links.read_settings(given, RULES, OWN)
    assert cell == "cell"
    if "strokes" not in values:
        assert found == values


def test_numbers_are_written_as_javascript_writes_them():
    """The exponents begin elsewhere than in Python; each text is JavaScript's, by hand."""
    texts = {1.0: "1", -0.0: "0", 1e-6: "0.000001", 1e-7: "1e-7", 1.5e-7: "1.5e-7", 0.1: "0.1"}
    texts |= {1e20: f"1{'0' * 20}", 1e21: "1e+21", 123456.789: "123456.789", -2.5: "-2.5"}
    assert {value: links.as_json(value) for value in texts} == texts


@pytest.mark.parametrize("drawing", [*DRAWINGS.values(), *drawings(5)])
def test_a_drawing_in_a_link_is_the_one_that_was_drawn(drawing):
    text = links.strokes_as_text(drawing)
    found = links.strokes_from_text(text)
    assert len(found) == len(drawing)
    assert links.strokes_as_text(found) == text  # copied again it stays
    for stroke, again in zip(drawing, found, strict=True):
        ends = [*stroke[:2], *stroke[-2:]], [*again[:2], *again[-2:]]
        assert max(abs(a - b) for a, b in zip(*ends, strict=True)) <= 1 / 16
    seen = [image_of(strokes, 2.0, False, None) for strokes in (drawing, found)]
    assert abs(seen[0] - seen[1]).max() < 0.35


def test_a_drawing_makes_a_short_link():
    """Points nearer than half a pixel go: a mouse may send a thousand a second."""
    circle = [14 + 9 * f(2 * math.pi * k / 2000) for k in range(2000) for f in (math.cos, math.sin)]
    assert len(links.strokes_as_text([circle])) < 320


# --- the explorers' rules -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "explorer",
    [
        DescentExplorer(kept=[{"optimizer": "adam"}], hide=["presets"]),
        DescentExplorer(surface="saddle", start_x=0.5, start_y=1.0, steps=7),
        TrainingExplorer(data="xor", noise=0.35, epochs=3, seed=4294967295),
        NeuronExplorer(start=5.9, rate_mse=12.0, epoch=40),
    ],
)
def test_a_link_to_an_explorer_makes_the_same_one(explorer):
    rules = explorer.link_rules()
    _, given = links.split_hash(links.as_hash("cell", explorer.state(), rules))
    values = links.read_settings(given, rules)
    again = type(explorer)(**values)
    assert set(explorer.parameters) <= set(values)
    assert again.params == explorer.params
    assert again.state() == explorer.state()


def test_rules_are_plain_data_and_allow_what_python_allows():
    rules = DescentExplorer().link_rules()
    assert json.loads(json.dumps(rules)) == json.loads(json.dumps(dict(rules)))
    for bad in ({"start_x": "99"}, {"steps": "501"}, {"surface": "moon"}, {"hide": '["x"]'}):
        with pytest.raises(ValueError, match="use "):
            links.read_settings(bad, rules, DescentExplorer().params)
    there = {"surface": "saddle", "start_y": "1.2"}
    assert DescentExplorer(**links.read_settings(there, rules)).start_y == 1.2


def test_an_explorer_of_the_kernel_follows_a_link():
    explorer = StartExplorer()
    hash = links.as_hash("explorer", {"learning_rate": 0.02, "steps": 30}, explorer.link_rules())
    explorer.follow(links.split_hash(hash)[1])
    assert explorer.params == {"learning_rate": 0.02, "steps": 30}
    with pytest.raises(ValueError, match=r"steps = many; use a whole number in \[0, 100\]"):
        explorer.follow({"learning_rate": "0.01", "steps": "many"})
    assert explorer.params == {"learning_rate": 0.02, "steps": 30}


# --- on a page ------------------------------------------------------------------------------------

RATE = DescentExplorer(surface="article", learning_rate=0.1, steps=0, hide=["copy"])


def in_cells(**explorers) -> str:
    """HTML of a page with these explorers, each in a cell of its own, far from each other."""
    cells = [
        f'<p style="height:900px">A text.</p><div id="cell-id={name}">{each.html()}</div>'
        for name, each in explorers.items()
    ]
    return f'<!doctype html><meta charset="utf-8"><body>{"".join(cells)}<p style="height:900px">'


def follow(page, link):
    """Follow a link to another place of the page that is open."""
    page.evaluate("(hash) => { location.hash = hash; }", link)
    page.evaluate(browser.SETTLED)


def cell(page, name):
    return page.locator(f"[id='cell-id={name}']")


def top_of(page, name):
    return cell(page, name).evaluate("(node) => node.getBoundingClientRect().top")


@browser.needs_browser
@pytest.mark.slow
def test_a_copied_link_opens_the_same_explorer_in_the_same_state(still):
    page = still(in_cells(hook=RATE, other=NeuronExplorer()))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cell(page, "hook").get_by_role("button", name="10 steps").click()
    cell(page, "hook").get_by_role("button", name="Copy link").click()
    expected = DescentExplorer(**{**RATE.params, "steps": 10, "hide": ["copy"]})
    hash = links.as_hash("hook", expected.params, expected.link_rules())
    assert hash.startswith("#cell-id=hook&surface=article&optimizer=sgd&learning_rate=0.1&steps=10")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url == page.url.partition("#")[0] + hash  # the address says it too
    page = page.context.new_page()
    page.goto(copied)
    page.evaluate(browser.SETTLED)
    assert cell(page, "hook").locator("[role=status]").inner_text() == expected.text
    assert cell(page, "hook").get_by_role("button", name="Copy as command").count() == 0  # hidden
    assert cell(page, "other").locator(".status").inner_text() == NeuronExplorer().text
    assert abs(top_of(page, "hook")) < 2


@browser.needs_browser
@pytest.mark.slow
def test_links_are_followed_on_an_open_page_too(still):
    page = still(in_cells(hook=RATE, other=NeuronExplorer()))
    follow(page, "#cell-id=other&start=4&epoch=20")
    status = cell(page, "other").locator(".status")
    assert status.inner_text() == NeuronExplorer(start=4.0, epoch=20).text
    assert abs(top_of(page, "other")) < 2
    follow(page, "#cell-id=hook&surface=saddle&steps=3")
    assert status.inner_text() == NeuronExplorer(start=4.0, epoch=20).text  # it stays
    there = DescentExplorer(surface="saddle", learning_rate=0.1, steps=3)
    assert cell(page, "hook").locator("[role=status]").inner_text() == there.text
    follow(page, "#cell-id=hook")  # a plain link to a cell changes nothing
    assert cell(page, "hook").locator("[role=status]").inner_text() == there.text


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("steps=900", "steps = 900; use a whole number in [0, 500]."),
        ("speed=2", "there is no setting speed; there are: surface, optimizer, learning_rate, "),
        ("surface=%3Cb%3Emoon", "surface = <b>moon; use one of: article, bowl"),
        ("kept=%5B%7B%7D%5D", "kept = [{}]; use a list of settings, each with: surface, "),
    ],
)
def test_a_bad_link_is_refused_in_a_sentence(still, given, said):
    page = still(in_cells(hook=RATE))
    follow(page, f"#cell-id=hook&learning_rate=0.3&{given}")
    alert = cell(page, "hook").get_by_role("alert")
    assert alert.inner_text().startswith(f"The link to this explorer cannot be followed: {said}")
    assert cell(page, "hook").locator("[role=status]").inner_text() == RATE.text  # nothing is set
    follow(page, "#cell-id=hook&learning_rate=0.3")
    assert alert.count() == 0


@browser.needs_browser
@pytest.mark.slow
def test_a_page_without_cells_has_no_links(still):
    page = still(RATE)
    assert page.get_by_role("button", name="10 steps").count() == 1
    assert page.get_by_role("button", name="Copy link").count() == 0


@browser.needs_browser
@pytest.mark.slow
def test_no_button_where_the_address_cannot_change_breaks_the_page(still):
    """Some browsers let no page from disk change its address; the link is copied all the same."""
    page = still(in_cells(hook=RATE))
    page.evaluate("() => { history.replaceState = () => { throw new DOMException('no'); }; }")
    cell(page, "hook").get_by_role("button", name="Copy link").click()
    expect = links.as_hash("hook", RATE.params, RATE.link_rules())
    assert cell(page, "hook").locator(".copied").inner_text().endswith(expect)


# --- each explorer of a page ----------------------------------------------------------------------

TEXT = "the thing that the thinker thinks is a thing: def f(x2):\n    return x2\n" * 3
FOUR = [[9.0, 4.0, 7.0, 15.0, 20.0, 15.0], [17.0, 5.0, 16.0, 24.0]]


def digit(**settings):
    images = np.random.default_rng(0).random((10, 28, 28))
    return DigitExplorer(plain_network(), images, **settings)


def writer(**settings):
    tokens = train(TEXT, 40)
    weights = random_weights(len(tokens), context=24, width=16, heads=2)
    return WriteExplorer(weights, tokens, **settings)


def look(**settings):
    return LookExplorer(Decoder(random_weights(width=16, heads=2)), **settings)


EVERY = {
    "digit": (digit, {"pen": 3.25, "center": False, "strokes": FOUR}),
    "example": (digit, {"digit": 7}),
    "sliding": (SlidingWindow, {"weights": [1.5, 0, -1, 0, 4, 0, 0, 0, -10], "row": 3, "column": 5,
                                "stride": 2, "padding": "same", "pooling": "max 2 x 2"}),
    "neuron": (NeuronExplorer, {"start": 5.9, "rate_mse": 12.0, "epoch": 40}),
    "training": (TrainingExplorer, {"data": "xor", "noise": 0.35, "epochs": 30, "seed": 7}),
    "language": (writer, {"beginning": "the + 'x' & =", "temperature": 0.0, "top_k": 5,
                          "top_p": 0.5, "length": 12, "place": 14}),
    "attention": (look, {"place": 25}),
    "descent": (DescentExplorer, {"surface": "rosenbrock", "optimizer": "adam", "steps": 40,
                                  "learning_rate": 0.015, "kept": [{"optimizer": "momentum"}]}),
}  # fmt: skip


def said(page) -> str:
    """All that the explorer says; training goes on for a while."""
    words = page.locator("[role=status], .place").all_inner_texts()
    return " ".join(words).strip()


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_every_explorer_opens_as_its_link_says(still, name):
    make, settings = EVERY[name]
    there = make(**settings)
    rules = there.link_rules()
    values = {each: getattr(there, each) for each in rules if each != "hide"}
    plain = make()
    shown = {  # what is the page's own list is left out
        each: value
        for each, value in values.items()
        if rules[each]["kind"] not in ("strokes", "records") or value != getattr(plain, each)
    }
    hash = links.as_hash("here", shown, rules)
    page = still(in_cells(here=plain))
    if name != "attention":  # a page shows one text of it
        assert said(page) == plain.text
    follow(page, hash)
    if name == "training":
        page.wait_for_function(
            "document.querySelector('figure > div').shadowRoot"
            ".querySelector('.lk').dataset.epoch === '30'"
        )
    assert said(page) == there.text
    assert page.get_by_role("alert").count() == 0
    page.get_by_role("button", name="Copy link").click()
    assert page.url.partition("#")[2] == hash[1:]


@browser.needs_browser
@pytest.mark.slow
def test_a_page_of_results_opens_as_its_link_says(still, tmp_path):
    synthetic.write_runs(tmp_path / "runs", 40, failures=0.1, notebooks=5)
    runs = table.results(folder=tmp_path / "runs")
    page = still(board.page(runs))
    follow(page, "#view=heat+map&statuses=%5B%22finished%22%5D")
    selected = page.locator("[role=tab][aria-selected=true]")
    assert selected.inner_text() == "Heat map"
    expected = ResultsExplorer(runs, view="heat map", statuses=["finished"])
    assert page.locator("[role=status]").inner_text() == expected.text
    page.get_by_role("tab", name="Parallel").click()
    page.get_by_role("button", name="Copy link").click()
    assert page.url.endswith("#view=parallel&statuses=%5B%22finished%22%5D")
    follow(page, "#view=map")
    assert "view = map; use one of: effect, curves" in page.get_by_role("alert").inner_text()
    follow(page, "#filters=%7B%22param.nothing%22%3A%7B%22values%22%3A%5B1%5D%7D%7D")
    assert "use values, or low and high, of: " in page.get_by_role("alert").inner_text()


@browser.needs_browser
@pytest.mark.slow
def test_in_jupyterlab_there_is_no_link_to_copy(tmp_path):
    """Neither beside the live explorer nor in an executed copy: its address is nobody else's."""
    cell = "from IPython.display import HTML, display\nfrom labkit.explore.neuron import *\n"
    cell += "e = NeuronExplorer(epoch=7)\ndisplay(HTML(e.html()))\ne"
    browser.write_notebook(tmp_path / "n.ipynb", cell)
    with browser.Lab(tmp_path) as lab:
        page = lab.open("n.ipynb")
        assert lab.run(page)
        copies = page.get_by_role("button", name="Copy as command")
        copies.nth(1).wait_for()
        assert copies.count() == 2
        assert page.get_by_role("button", name="Copy link").count() == 0
        assert page.locator("[id^='cell-id=']").count() == 0
        assert page.problems == []
        lab.close(page)
