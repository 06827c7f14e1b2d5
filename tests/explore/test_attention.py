"""Where a letter looked: JavaScript against Python, a browser, and a network never trained."""

import browser
import numpy as np
import pytest

from labkit.data.text import decode, encode
from labkit.explore import attention as explore
from labkit.explore import kit
from labkit.explore.attention import LookExplorer, in_words, rows
from labkit.maths.attention import softmax_at
from labkit.networks.transformer import Decoder, generate, random_weights

ASK = """
const answer = ({ cases, params }) => cases.map((written) => {
  const rows = look.rowsOf(written);
  const real = ["temperature"];
  return {
    words: [-1, ...written.starts.keys()].map((place) => look.lookedInWords(written, rows, place)),
    weights: rows.map((heads) => heads.map(({ weights }) => [...weights])),
    texts: [look.asParameters(params, real), look.asCommand("14", params, real)],
  };
});
"""


@pytest.fixture(scope="module")
def decoder():
    return Decoder(random_weights(width=16, heads=2))


@pytest.fixture
def explorer(decoder):
    return LookExplorer(decoder)


def test_it_shows_where_the_network_looked(explorer, decoder):
    """The last letter that was given, and the first that was written, as the decoder has them."""
    codes = encode(explorer.beginning)
    logits, looks = decoder.read(codes)
    shown = np.array([weights for _, weights in rows(explorer.written)[len(codes)]]) / 255
    np.testing.assert_allclose(shown, looks[:, :, -1].reshape(4, -1), atol=0.5 / 255)
    before = np.array([weights for _, weights in rows(explorer.written)[5]]) / 255
    np.testing.assert_allclose(before, looks[:, :, 4, :5].reshape(4, -1), atol=0.5 / 255)
    chances = explorer.written["chances"][len(codes)]
    p = softmax_at(logits[-1], 0.8)
    assert chances["own"] == pytest.approx(
        p[encode(explorer.written["text"])[len(codes)]], abs=6e-4
    )
    assert chances["best"][0][1] == pytest.approx(p.max(), abs=6e-4)


def test_it_writes_what_the_decoder_writes_and_another_draw_another_text(explorer, decoder):
    codes = encode("a ")
    explorer.beginning = "a "
    wanted = decode(generate(decoder, codes, explore.LETTERS, 0.8, 0))
    assert explorer.written["text"] == "a " + wanted
    explorer.draw = 1
    assert explorer.written["text"] != "a " + wanted
    explorer.draw, explorer.temperature = 0, 0
    cold = explorer.written["text"]
    explorer.draw = 5
    assert explorer.written["text"] == cold  # at 0 there is no luck


def test_another_text_is_pointed_at_nowhere(explorer):
    explorer.place = 30
    assert explorer.text.startswith("Letter 31, ")
    explorer.beginning = "b"
    assert explorer.place == -1
    assert explorer.text.startswith("1 letters are given, 120 follow.")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"beginning": ""}, "1 to 40 letters; got 0"),
        ({"beginning": "a" * 41}, "got 41"),
        ({"temperature": 2.5}, r"\[0, 2\]"),
        ({"draw": -1}, r"\[0, 99\]"),
        ({"place": 141}, "0 to 140"),
    ],
)
def test_bad_settings_are_refused_with_what_is_allowed(decoder, bad, message):
    with pytest.raises(ValueError, match=message):
        LookExplorer(decoder, **bad)


def test_letters_that_no_network_knows_become_question_marks(decoder):
    assert LookExplorer(decoder, beginning="π = 3").beginning == "? = 3"


def test_walk_tries_all_and_names_a_failure(explorer, monkeypatch):
    assert explorer.walk() == 13

    def broken(written, place):
        return 1 / 0 if written["text"].startswith("with") else ""

    monkeypatch.setattr(explore, "in_words", broken)
    with pytest.raises(kit.ExplorerError, match=r"with_stmt.*ZeroDivisionError"):
        explorer.walk()


def test_javascript_says_and_reads_the_same(explorer, tmp_path):
    cases = [explorer._written(**params) for params in explorer.grid()]
    question = {"cases": cases, "params": explorer.params}
    answers = browser.ask("attention/explorer", "look", ASK, question, tmp_path)
    for written, there in zip(cases, answers, strict=True):
        places = range(-1, len(written["text"]))
        assert there["words"] == [in_words(written, place) for place in places]
        here = [[weights.tolist() for _, weights in heads] for heads in rows(written)]
        assert there["weights"] == here
        assert there["texts"] == list(explorer.texts().values())


def test_settings_come_back_as_the_lesson_understands_them(explorer):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["14"])
    parameters.validate(schema, explorer.lesson_params)
    assert explorer.texts()["Copy as command"].startswith("labkit run 14 -p ")


def test_a_page_without_a_kernel_says_so_and_stays_small(explorer):
    page = explorer.html()
    assert '"alive": false' in page
    assert len(page) < 300_000


def test_many_heads_show_the_first_twelve():
    many = LookExplorer(Decoder(random_weights(width=16, layers=4, heads=4)))
    assert many.written["heads"] == explore.MOST
    assert "4.1" not in in_words(many.written, 50)
    assert "3.4" in in_words(many.written, 50)


@browser.needs_browser
@pytest.mark.slow
def test_letters_stream_and_are_pointed_at_by_mouse_and_keys(still, explorer):
    page = still(explorer)
    status = lambda: page.locator(".status").inner_text()
    assert status() == explorer.text
    page.get_by_role("button", name="Write").click()
    page.wait_for_function(
        "() => !document.querySelector('figure div').shadowRoot.querySelector('.coming')"
    )
    page.locator("[data-place='60']").hover()
    assert status() == in_words(explorer.written, 60)
    colored = page.locator(".heads i[style]").count()
    wanted = sum((weights[-64:] > 0).sum() for _, weights in rows(explorer.written)[60])
    assert colored == wanted
    page.locator(".text").focus()
    page.keyboard.press("ArrowRight")
    assert status() == in_words(explorer.written, 61)
    page.keyboard.press("Home")
    assert status().endswith("Nothing stands before it.")
    assert page.get_by_label("beginning of the text").is_disabled()
    page.get_by_role("button", name="Copy as command").click()
    assert page.locator(".copied").inner_text() == explorer.texts()["Copy as command"]
    for width in (1000, 640, 401):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(browser.SETTLED)
        room, needed = page.locator(".lk").evaluate("(e) => [e.clientWidth, e.scrollWidth]")
        assert needed <= room, width
