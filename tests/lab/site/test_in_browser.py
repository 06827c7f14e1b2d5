"""The site from a disk in a real browser: themes, search, links to cells, phone, paper, axe."""

import re
from pathlib import Path

import pytest
from browser import needs_browser

from labkit.lab.runs import runner
from labkit.lab.site.build import build

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.slow, needs_browser]

RUN = ("01", "10", "25", "90")  # one lesson of each band
SMALL = {"10": {"epochs": 1, "hidden": 50, "seeds": 3}}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = [
    "index.html",
    "glossary.html",
    "results.html",
    "ledger.html",
    "01_gradient_descent.html",
    "10_first_network.html",
    "25_energy_and_cost.html",
    "90_right_and_wrong.html",
    "zh/index.html",
    "zh/01_gradient_descent.html",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    for number in RUN:
        assert runner.run(number, SMALL.get(number), folder=runs).status == "finished"
    return build(tmp_path_factory.mktemp("site") / "site", runs).folder


@pytest.fixture
def visit(chromium, folder):
    """Open a page from the disk, without a network; nothing may fail or be asked of a host."""
    trouble, contexts = [], []

    def open_page(name, theme="light", width=1366, height=768):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: trouble.append(r.url) if r.url.startswith("http") else None)
        page.goto((folder / name.partition("#")[0]).as_uri() + "".join(name.partition("#")[1:]))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit, name, theme):
    page = visit(name, theme)
    page.wait_for_timeout(500)
    options = {"runOnly": RULES, "resultTypes": ["violations"], "preload": False}
    found = axe.Axe().run(page, options=options).response["violations"]
    told = [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]
    assert told == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_sideways_scroll(visit, name):
    page = visit(name, width=390, height=800)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_kept_from_page_to_page_and_figures_follow(visit, folder):
    page = visit("01_gradient_descent.html")
    paper = "getComputedStyle(document.querySelector('img.labkit-paper')).filter"
    light = ground(page)
    assert page.evaluate(paper) == "none"
    page.click("#theme")
    assert ground(page) != light
    assert page.evaluate(paper) != "none"
    page.wait_for_function(
        "document.querySelector('figure[class^=labkit-] > div')?.shadowRoot"
        "?.querySelector('.lk')?.dataset.theme === 'dark'"
    )
    page.goto((folder / "ledger.html").as_uri())
    assert ground(page) != light
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    page.emulate_media(media="print")
    assert ground(page) == light  # paper is white


def test_search_by_keyboard_leads_to_the_section(visit):
    page = visit("index.html")
    page.keyboard.press("/")
    page.keyboard.type("ravine momentum")
    page.wait_for_selector("#hits li")
    assert re.fullmatch(r"\d+ found", page.inner_text("#hits p"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/01_gradient_descent.html#cell-id=*")
    cell = page.evaluate("decodeURIComponent(location.hash.slice(1))")
    top = page.evaluate("(id) => document.getElementById(id).getBoundingClientRect().top", cell)
    assert 0 <= top < 200
    page.keyboard.press("/")
    page.keyboard.type("xyzzy")
    page.wait_for_function("document.querySelector('#hits p').textContent === 'Nothing found.'")
    page.keyboard.press("Escape")
    assert page.is_hidden("#hits")


def test_a_link_to_a_cell_with_settings_still_finds_the_cell(visit):
    page = visit("01_gradient_descent.html#cell-id=race&x=1")
    where = "document.getElementById('cell-id=race')?.getBoundingClientRect().top"
    cells = page.evaluate("[...document.querySelectorAll('.jp-Cell')].map((c) => c.id)")
    cell = "cell-id=race" if "cell-id=race" in cells else cells[30]
    where = where.replace("cell-id=race", cell)
    page.evaluate("(id) => { location.hash = `${id}&x=1`; }", cell)
    page.wait_for_function(f"Math.abs({where}) < 200")


def test_the_contents_mark_the_section_in_view(visit):
    page = visit("10_first_network.html")
    links = page.locator(".contents a")
    links.nth(3).click()
    page.wait_for_function(
        "[...document.querySelectorAll('.contents a')].findIndex((a) => a.ariaCurrent) === 3"
    )


def test_the_language_switch_stays_at_the_same_cell(visit):
    page = visit("10_first_network.html")
    page.locator(".contents a").nth(4).click()
    page.wait_for_function("scrollY > 1000")
    cell = page.evaluate("location.hash")
    page.click("a.language")
    page.wait_for_url("**/zh/10_first_network.html#*")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate("location.hash") == cell
    where = "(id) => Math.abs(document.getElementById(id).getBoundingClientRect().top) < 200"
    page.wait_for_function(where, arg=page.evaluate("decodeURIComponent(location.hash.slice(1))"))
    page.click("a.language")
    page.wait_for_url("**/site/10_first_network.html#*")


def test_the_ledger_shows_what_is_asked_for(visit):
    page = visit("ledger.html")
    page.select_option("select[data-column=verdict]", "wrong")
    wrong = page.locator(".statements > li:visible").count()
    assert page.inner_text(".filters output") == f"{wrong} statements"
    page.fill("input[data-column='']", "softmax")
    assert 0 < page.locator(".statements > li:visible").count() < wrong


def test_on_paper_no_code_is_cut(visit):
    page = visit("01_gradient_descent.html", width=700)
    page.emulate_media(media="print")
    cut = """[...document.querySelectorAll('.highlight pre')]
      .filter((pre) => pre.scrollWidth > pre.clientWidth + 1).length"""
    assert page.evaluate(cut) == 0
    assert page.is_hidden(".bar")


def test_without_scripts_everything_can_be_read(chromium, folder):
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((folder / "01_gradient_descent.html").as_uri())
    assert page.is_visible("figure img")
    page.click(".menu summary")
    page.click('.menu a[href="10_first_network.html"]')
    assert page.inner_text("h1").startswith("10")
    context.close()
