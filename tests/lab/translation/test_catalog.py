"""The files of the translations as they are: they fit the lessons as they are."""

import polib
import pytest
from click.testing import CliRunner

from labkit.cli import main
from labkit.lab.translation import catalog, command, update
from labkit.lab.translation.catalog import TranslationError
from labkit.lab.translation.texts import texts_of

NAMES = catalog.names()


@pytest.mark.parametrize("name", NAMES)
def test_no_translation_has_drifted_from_the_english(name):
    found = command.check_file(name)
    assert not found.problems, "\n".join(map(str, found.problems[:20]))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_as_an_update_leaves_it(name, tmp_path, monkeypatch):
    path = catalog.folder() / f"{name}.po"
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(
        catalog.files, "write", lambda path, text: (tmp_path / "a").write_text(text)
    )
    command.update_file(name)
    after = (tmp_path / "a").read_text(encoding="utf-8")
    assert [e for e in after.split("\n\n") if e not in before] == []


def test_check_fails_when_the_english_of_a_translation_changes(monkeypatch):
    notebook, po = catalog.notebook("01"), catalog.new()
    po.append(polib.POEntry(msgctxt="title", msgid="01 · Gradient descent", msgstr="01 · 梯度下降"))
    po, _ = update.updated(texts_of(notebook), po)
    monkeypatch.setattr(catalog, "read", lambda *_: po)
    good = CliRunner().invoke(main, ["translate", "check", "01"])
    assert good.exit_code == 0, good.output
    assert "01: 1 translated" in good.output
    title = notebook["cells"][0]
    title["source"] = title["source"].replace("Gradient descent", "Descent")
    monkeypatch.setattr(catalog, "notebook", lambda name: notebook)
    bad = CliRunner().invoke(main, ["translate", "check", "01"])
    assert bad.exit_code == 1
    assert "01 title: " in bad.output


def test_an_unknown_notebook_is_refused_with_those_there_are():
    with pytest.raises(TranslationError, match=r"there is nothing 'first'.*01.*glossary"):
        catalog.notebook_path("first")
    found = CliRunner().invoke(main, ["translate", "todo", "77"])
    assert found.exit_code == 2
    assert "77" in found.output
