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
def test_an_update_keeps_every_translation(name):
    before = catalog.read(name)
    after, _ = update.updated(command.texts(name), before)
    assert catalog.known(before).items() <= catalog.known(after).items()
    texts = [(text.context, text.text) for text in command.texts(name)]
    assert [(e.msgctxt, e.msgid) for e in after if not e.obsolete] == texts


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
