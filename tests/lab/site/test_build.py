"""The site's pages: what they hold, where their links lead, what is refused."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit import cli
from labkit.lab import places
from labkit.lab.records.reading import read_records
from labkit.lab.runs import runner
from labkit.lab.site import lessons, search
from labkit.lab.site.build import SiteError, build
from labkit.lab.site.wording import LANGUAGES, words

NAMES = [path.stem for path in places.lesson_files().values()]
LINK = re.compile(r'(?:href|src)="([^"#?]*)(#[^"]*)?"')


class Parsed(HTMLParser):
    """The ids of a page, its links, and the tags that are open at its end."""

    def __init__(self, html: str):
        super().__init__()
        self.ids, self.links, self.hosts = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id"))
        address = found.get("href") or found.get("src")
        if address and tag == "a":
            self.links.append(address)
        elif address and not address.startswith("data:"):
            self.hosts.append(address)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    ended = runner.run("02", folder=folder)
    assert ended.status == "finished"
    return folder


@pytest.fixture(scope="module")
def site(runs, tmp_path_factory):
    return build(tmp_path_factory.mktemp("site") / "out", runs)


@pytest.fixture(scope="module", params=["", "zh"])
def folder(site, request) -> Path:
    """The folder of one language."""
    return site.folder / request.param


@pytest.fixture(scope="module")
def pages(folder) -> dict[str, Parsed]:
    """The pages of one language, by their name."""
    return {p.name: Parsed(p.read_text("utf-8")) for p in folder.glob("*.html")}


pytestmark = pytest.mark.slow  # a lesson is run, all pages are written


def test_every_lesson_has_a_page_and_the_others_are_there(site, pages):
    rest = {"index.html", "glossary.html", "results.html", "ledger.html"}
    assert set(pages) == {f"{name}.html" for name in NAMES} | rest
    assert site.pages == 2 * len(pages)  # in two languages
    assert site.not_run == [name[:2] for name in NAMES if name[:2] != "02"]


def test_every_link_within_the_site_leads_somewhere(folder, pages):
    dead = []
    for name, page in pages.items():
        for address in page.links:
            file, _, mark = address.partition("#")
            if re.match(r"[a-z]+:", file):
                continue
            target = pages.get(file or name)
            is_there = (folder / file).is_file() if target is None else mark in target.ids
            if not is_there and (mark or target is None):
                dead.append((name, address))
    assert dead == []


def test_what_a_page_loads_lies_in_the_folder(folder, pages):
    for name, page in pages.items():
        missing = [each for each in page.hosts if not (folder / each).is_file()]
        assert missing == [], name


def test_a_lesson_says_when_it_was_run_or_that_it_was_not(site):
    run = (site.folder / "02_loss_functions.html").read_text("utf-8")
    assert re.search(r"Run on 20\d\d-\d\d-\d\d in [\d.]+ s; (\d+) of \1 expectations held", run)
    other = (site.folder / "03_activation_functions.html").read_text("utf-8")
    assert words("en")["not run"] in other


def test_the_front_page_has_each_lesson_with_its_minutes(site):
    front = (site.folder / "index.html").read_text("utf-8")
    for lesson in lessons.lessons.read_all():
        card = front.rpartition(f'href="{lesson.name}.html"><span>')[2].partition("</li>")[0]
        assert f"about {lesson.minutes} minutes" in card
        assert lesson.before in card


def test_a_translated_lesson_has_the_same_cells_in_chinese(site):
    name = "02_loss_functions.html"
    english, chinese = (site.folder / lang / name for lang in ("", "zh"))
    english, chinese = english.read_text("utf-8"), chinese.read_text("utf-8")
    assert '<html lang="zh-CN">' in chinese
    assert "<h1>02 · 损失函数</h1>" in chinese
    assert f'hreflang="en" href="../{name}">English</a>' in chinese
    assert f'hreflang="zh-CN" href="zh/{name}">中文</a>' in english
    cell = re.compile(r'id="(cell-id=[^"]+)"')
    assert cell.findall(english) == cell.findall(chinese)
    minutes = lessons.lessons.read("02").minutes
    assert f"约 {minutes} 分钟 · 先修：第 01 课" in (site.folder / "zh" / "index.html").read_text(
        "utf-8"
    )


def test_what_is_not_translated_says_so_and_is_marked_as_english(site):
    page = (site.folder / "zh" / "28_one_pipeline_six_fields.html").read_text("utf-8")
    assert words("zh")["english"] in page
    assert '<main id="main" tabindex="-1" lang="en">' in page


def test_search_knows_every_lesson_and_word(site):
    script = (site.folder / "assets" / "search-en.js").read_text("utf-8")
    assert all(f'"{name}.html#cell-id=' in script for name in NAMES)
    assert "</" not in script
    assert '"glossary.html#accuracy"' in script


def test_a_second_build_replaces_the_first(site, runs):
    stale = site.folder / "stale.html"
    stale.write_text("old")
    build(site.folder, runs)
    assert not stale.exists()
    assert list(site.folder.parent.glob(".*")) == []


@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_is_not_a_site_is_left_alone(tmp_path, name):
    target = tmp_path / name
    if name == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    with pytest.raises(SiteError, match=name):
        build(target)
    result = CliRunner().invoke(cli.main, ["site", str(target)])
    assert result.exit_code == 2
    assert str(target) in result.output
    kept = target if name == "file" else target / "mine.txt"
    assert kept.read_text() == "mine"


def test_a_run_with_the_lessons_own_parameters_comes_first(runs, tmp_path):
    runner.run("02", {"delta": 2.0}, folder=runs)
    found = {each.lesson.number: each for each in lessons.sources(runs)}["02"]
    assert found.is_default
    others = [r for r in read_records(runs) if r.run_id != found.record.run_id]
    assert others[0].started > found.record.started
    alone = lessons._latest(found.lesson, others)
    told = lessons.note(lessons.Site("en", [], ""), alone)
    assert "delta = 2" in told


def test_every_word_of_the_frame_is_in_every_language():
    english = words("en")
    for lang in LANGUAGES:
        assert all(words(lang).values())
        holes = {name: sorted(re.findall(r"{\w*}", text)) for name, text in words(lang).items()}
        assert holes == {n: sorted(re.findall(r"{\w*}", text)) for n, text in english.items()}
    with pytest.raises(ValueError, match=r"'xx'.*en, zh"):
        words("xx")


def test_tables_and_formulas_are_found_as_they_are_read():
    cell = {
        "cell_type": "markdown",
        "id": "a",
        "source": "## A `b`\n\n| c | d |\n| --- | --: |\n| 1 | $x$ |",
    }
    assert search.of_cells("01", "x.html", [cell])[0] | {"u": ""} == {
        "n": "01",
        "u": "",
        "h": "A b",
        "t": "c d 1 x",
    }
