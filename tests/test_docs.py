"""README and docs/ tell what is there: links, commands, lessons, counts, imports."""

import ast
import importlib
import re
import shlex
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path, PurePath
from urllib.parse import unquote

import click
import pytest
import yaml
from markdown_it import MarkdownIt

import labkit
from labkit.cli import main
from labkit.lab import lesson as lessons
from labkit.learn.claims import read_ledger

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
INDEX = ROOT / "docs" / "README.md"
# Pages with links that must lead somewhere; those that show commands are README and docs/.
PAGES = [README, *DOCS, *(ROOT / each for each in ("CONTRIBUTING.md", "data/README.md"))]
PAGES += [ROOT / "benchmarks" / "README.md"]
SHELL = {"bash", "sh"}
LONGEST = 150  # lines of the README


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tokens(path: Path) -> list:
    """Return the tokens of a page, those within lines too."""
    flat = []
    for token in MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8")):
        flat += [token, *(token.children or [])]
    return flat


# --- links --------------------------------------------------------------------------------------


def targets(path: Path) -> list[str]:
    """Return where links and pictures of a page lead."""
    found = [token.attrs.get("href") or token.attrs.get("src") for token in tokens(path)]
    return [unquote(target) for target in found if target]


@cache
def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page.

    They are small letters, digits, - and _, with a - for each space; all else is dropped.
    """
    found, seen = tokens(path), {}
    for before, heading in pairwise(found):
        if before.type == "heading_open":
            words = "".join(child.content for child in heading.children)
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            seen[slug] = seen.get(slug, -1) + 1
    return {f"{slug}-{n}" if n else slug for slug, last in seen.items() for n in range(last + 1)}


def broken(path: Path) -> list[str]:
    """Return the relative links of a page that lead to no file or to no heading."""
    bad = []
    for target in targets(path):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (
            anchor and there.suffix == ".md" and anchor not in anchors(there)
        ):
            bad.append(target)
    return bad


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(path):
    assert not broken(path)


def test_a_link_to_nothing_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One, `two`\n[a](gone.md) [b](#one-two) [c](#three) [d](page.md#one-two)\n")
    assert broken(page) == ["gone.md", "#three"]


def test_the_index_of_the_documentation_lists_every_page():
    linked = {(INDEX.parent / target.partition("#")[0]).resolve() for target in targets(INDEX)}
    assert {*DOCS} - {INDEX} <= linked


def test_the_readme_leads_to_the_index_and_to_contributing():
    assert {"docs/README.md", "CONTRIBUTING.md", "docs/explorer.png"} <= set(targets(README))


# --- commands -----------------------------------------------------------------------------------


def shell_blocks(path: Path) -> list[str]:
    """Return the shell blocks of a page."""
    return [t.content for t in tokens(path) if t.type == "fence" and t.info.strip() in SHELL]


def code_words(path: Path) -> list[str]:
    """Return what stands as code within the text of a page."""
    return [token.content for token in tokens(path) if token.type == "code_inline"]


def calls(text: str) -> list[list[str]]:
    """Return the arguments of each call of labkit in shell text, within quotes too."""
    text = re.sub(r"\\\n|(?:^|(?<=\s))#.*$", " ", text, flags=re.MULTILINE)  # comments
    text = re.sub(r"\$\(\([^)]*\)\)", "1", text)  # arithmetic
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    found, words = [], []
    for word in [*lexer, ";"]:
        if not re.fullmatch(r"[();<>|&\n]+", word):
            words.append(word)
            continue
        if words and PurePath(words[0]).name == "labkit":
            found.append(words[1:])
        quoted = [each for each in words if " " in each and "labkit" in each]
        found += [call for each in quoted for call in calls(each)]
        words = []
    return found


def parse(args: list[str]) -> None:
    """Let click parse a call, and look up its lesson and parameters; nothing is run.

    Raises:
        click.UsageError: there is no such command or option, or its value is none.
        ValueError: there is no such lesson, or it has no such parameter.
    """
    command, context = main, click.Context(main, info_name="labkit")
    while isinstance(command, click.Group) and args and not args[0].startswith("-"):
        word, command, args = command.resolve_command(context, args)
        context = click.Context(command, parent=context, info_name=word)
    if {"-h", "--help"} & set(args):
        return
    given = command.make_context(context.info_name, [*args], parent=context.parent).params
    if command.name in ("list", "open", "progress", "reset", "run", "sweep", "results"):
        named = given.get("names") or [given.get("lesson")]
        for lesson in [lessons.read(each) for each in named if each]:
            for setting in (*given.get("texts", ()), *given.get("grid", ())):
                lesson.schema[setting.partition("=")[0]]


COMMANDS = [
    pytest.param(call, id=f"{name(path)}: {' '.join(call)}")
    for path in [README, *DOCS]
    for block in shell_blocks(path)
    for call in calls(block)
]


@pytest.mark.parametrize("call", COMMANDS)
def test_every_command_in_a_block_can_be_called(call):
    parse(call)


def test_commands_are_found_in_every_kind_of_line():
    assert calls('for i in 1; do ssh n$i "cd x && .venv/bin/labkit run 01" & done; wait') == [
        ["run", "01"]
    ]
    assert calls("sh -c 'labkit sweep 11 --shard $((I + 1))/10'") == [
        ["sweep", "11", "--shard", "1/10"]
    ]
    assert calls('eval "$(labkit completion bash)"') == [["completion", "bash"]]
    assert calls(
        ".venv/bin/labkit list  # it's labkit\n# labkit no\nlabkit doctor \\\n --full"
    ) == [
        ["list"],
        ["doctor", "--full"],
    ]
    assert calls("labkit results 01 > a.csv && labkit doctor") == [["results", "01"], ["doctor"]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("learn 01", click.UsageError),
        ("run 01 --fast", click.UsageError),
        ("results 01 --format xml", click.UsageError),
        ("claims check A2-GD-04 --all", click.UsageError),
        ("run 77", (OSError, ValueError)),
        ("run 01 -p rate=1", KeyError),
        ("sweep 01 -g rate=1,2", KeyError),
    ],
)
def test_a_command_that_is_not_there_is_found(call, error):
    with pytest.raises(error):
        parse(call.split())


@pytest.mark.parametrize("path", [README, *DOCS], ids=name)
def test_every_command_within_a_line_is_there(path):
    for code in code_words(path):
        for call in calls(code) if code.startswith(("labkit ", ".venv/", "eval ")) else []:
            with suppress(click.MissingParameter):  # `labkit sweep` may stand for all its calls
                parse(call)


@pytest.mark.parametrize("path", [README, *DOCS], ids=name)
def test_every_target_of_make_is_there(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = "\n".join([*shell_blocks(path), *code_words(path)])
    assert set(re.findall(r"(?:^|&& |=\S+ )make ([a-z-]+)", text, re.MULTILINE)) <= rules


@pytest.mark.parametrize("path", [README, *DOCS], ids=name)
def test_python_in_the_pages_imports_what_is_there(path):
    for token in tokens(path):
        if token.type != "fence" or token.info.strip() != "python":
            continue
        for node in ast.walk(ast.parse(token.content)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("labkit"):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, each.name) for each in node.names)
            elif isinstance(node, ast.Import):
                for each in node.names:
                    if each.name.startswith("labkit"):
                        importlib.import_module(each.name)


@pytest.mark.parametrize("path", [README, *DOCS], ids=name)
def test_yaml_in_the_pages_can_be_read(path):
    for token in tokens(path):
        if token.type == "fence" and token.info.strip() in ("yaml", "yml"):
            assert isinstance(yaml.safe_load(token.content), dict | list)


# --- the README itself --------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_readme_has_a_row_for_each_lesson_in_order():
    text = README.read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d\d) \| \[([^]]+)\]\(notebooks/([^)]+)\) \| .+ \|$", text, re.MULTILINE
    )
    assert rows == [(each.number, each.title, each.path.name) for each in lessons.read_all()]
    assert len(rows) == 25, "twenty-five, says the README"
    assert "twenty-five lessons" in text


def test_the_readme_counts_the_ledger():
    assert f"lists all {len(read_ledger())}," in README.read_text(encoding="utf-8")


def test_every_variable_that_a_reader_may_set_is_in_the_table():
    source = "\n".join(
        path.read_text("utf-8") for path in Path(labkit.__file__).parent.rglob("*.py")
    )
    set_by_labkit = {"LABKIT_HEADLESS", "LABKIT_WALK", "LABKIT_CLAIMS_COLLECT"}
    read = set(re.findall(r'"(LABKIT_[A-Z_]+)"', source)) - set_by_labkit
    table = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(LABKIT_[A-Z_]+)`", table, re.MULTILINE))
    assert named == read
