"""A network that writes in the page: JavaScript against NumPy and the lab's own, and a browser."""

import browser
import numpy as np
import pytest

from labkit.explore import kit
from labkit.explore import language as explore
from labkit.explore.attention import rows
from labkit.explore.language import WriteExplorer, writing_in_words
from labkit.networks.tokens import Tokens, train
from labkit.networks.transformer import Decoder, generate, random_weights

TEXT = "the thing that the thinker thinks is a thing: def f(x2):\n    return x2\n" * 3
STRANGE = ["", "aaaaaaa", "naïve π 猫 🙂", " \n\n  \t the\r", "thethe 12 x2):(", "\x00\x7f-_-"]


@pytest.fixture(scope="module")
def tokens():
    return train(TEXT, 40)


@pytest.fixture(scope="module")
def weights(tokens):
    return random_weights(len(tokens), context=24, width=16, heads=2)


@pytest.fixture
def explorer(weights, tokens):
    return WriteExplorer(weights, tokens, beginning="the thing", length=40)


# --- JavaScript against Python ---------------------------------------------------------------

ASK = """
const answer = ({ network, merges, texts, seeds, cases }) => {
  const net = page.unpackNetwork(network);
  const { pieces, encode } = page.tokenizer(merges);
  const write = ({ length, ...params }) => {
    const story = page.startWriting(net, pieces, encode(params.beginning), params);
    for (let k = 0; k < length && story.written.given; k++) story.next();
    const { written, rows } = story;
    return {
      words: [-1, ...written.text.keys()].map((place) => (
        page.writingInWords(params.beginning, net.context, story, place))),
      text: written.text, chances: written.chances, starts: written.starts,
      weights: rows.map((heads) => heads.map(({ weights }) => [...weights])),
      copies: [page.asParameters(params, ["temperature", "top_p"]),
        page.asCommand("16", params, ["temperature", "top_p"])],
    };
  };
  const random = (seed) => {
    const next = page.draws(seed);
    return Array.from({ length: 200 }, next);
  };
  return { pieces, codes: texts.map(encode), random: seeds.map(random), stories: cases.map(write) };
};
"""


def cases_of(explorer):
    """Settings of the grid; with each beginning more is written than the network reads at once."""
    return [params | {"length": 60 if n % 3 == 0 else n % 9} for n, params in
            enumerate(explorer.grid())]  # fmt: skip


@pytest.fixture(scope="module")
def page(weights, tokens, tmp_path_factory):
    """What JavaScript answers, asked once for all tests."""
    e = WriteExplorer(weights, tokens)
    question = {
        "network": e.network,
        "merges": e.merges,
        "texts": [TEXT, *STRANGE],
        "seeds": [0, 1, 99, 2**32 - 1, 2**40 + 5],
        "cases": cases_of(e),
    }
    folder = tmp_path_factory.mktemp("javascript")
    return browser.ask("language/explorer", "page", ASK, question, folder)


def test_the_page_draws_the_numbers_of_numpy(page):
    for seed, found in zip([0, 1, 99, 2**32 - 1, 2**40 + 5], page["random"], strict=True):
        assert found == np.random.default_rng(seed).random(200).tolist()


def test_the_page_cuts_any_text_into_the_same_tokens(page, tokens):
    for text, codes in zip([TEXT, *STRANGE], page["codes"], strict=True):
        assert codes == tokens.encode(text), text
    assert page["pieces"] == [piece.decode("utf-8", "replace") for piece in tokens.pieces]


def test_the_page_writes_and_says_what_python_does(page, explorer):
    for params, there in zip(cases_of(explorer), page["stories"], strict=True):
        written = explorer._written(**params)
        places = range(-1, len(written["text"]))
        assert there["text"] == written["text"], params
        assert there["starts"] == written["starts"]
        assert there["words"] == [writing_in_words(written, place) for place in places]
        assert there["weights"] == [[w.tolist() for _, w in heads] for heads in rows(written)]
        own = [chance["own"] for chance in written["chances"]]
        np.testing.assert_allclose([c["own"] for c in there["chances"]], own, atol=6e-4)
        best = [[name for name, _ in chance["best"]] for chance in written["chances"]]
        assert [[name for name, _ in chance["best"]] for chance in there["chances"]] == best
        for name in ("beginning", "temperature", "top_k", "top_p", "draw"):
            setattr(explorer, name, params[name])
        assert there["copies"][0].startswith(explorer.texts()["Copy as parameters"])


def test_at_temperature_0_the_page_writes_what_generate_writes(page, explorer, tokens):
    """The older half is forgotten twice on the way: 60 tokens in a context of 24."""
    cold = [
        (params, there)
        for params, there in zip(cases_of(explorer), page["stories"], strict=True)
        if params["temperature"] == 0 and params["length"] == 60 and params["beginning"]
    ]
    assert cold
    for params, there in cold:
        codes = tokens.encode(params["beginning"])
        wanted = generate(explorer.decoder, codes, 60, temperature=0)
        assert there["text"][len(codes) :] == [page["pieces"][code] for code in wanted]


# --- in Python -------------------------------------------------------------------------------


def test_it_writes_what_the_network_writes_with_weights_of_16_bits(explorer, weights, tokens):
    half = Decoder([array.astype(np.float16) for array in weights])
    codes = tokens.encode("the thing")
    wanted = generate(half, codes, 40, 0.8, seed=0)
    text = "".join(tokens.pieces[code].decode("utf-8", "replace") for code in (*codes, *wanted))
    assert "".join(explorer.written["text"]) == text
    again = WriteExplorer(Decoder(weights), tokens, beginning="the thing", length=40)
    assert again.written == explorer.written
    explorer.draw = 1
    assert again.written != explorer.written


def test_settings_restrict_what_is_drawn(explorer):
    explorer.top_k = 3
    chances = explorer.written["chances"][-1]["best"]
    assert [p > 0 for _, p in chances] == [True] * 3 + [False] * 2
    explorer.top_k, explorer.top_p = 1, 1.0
    one = explorer.written["text"]
    explorer.top_k, explorer.temperature = 0, 0.0
    assert explorer.written["text"] == one


def test_odd_beginnings_are_said_and_break_nothing(weights, tokens):
    said = lambda text, **more: WriteExplorer(weights, tokens, beginning=text, **more).text
    assert said("").startswith("The beginning is empty.")
    assert said("t") == "1 token is given. Press Write, or Enter."
    assert "has no “ï”, no “π”: the bytes" in said("naïve π")
    long = "the thing is " * 20
    assert "It reads the last 24 tokens at once." in said(long, length=3)
    assert "too far back" in said(long, place=5)
    assert said("the", length=2000).endswith(
        "follow. Point at a token, or use the arrow keys. Here it stops."
    )
    assert WriteExplorer(weights, tokens, beginning="", length=9).png


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"beginning": "a" * 2001}, "up to 2,000 letters; got 2,001"),
        ({"temperature": 2.5}, r"\[0, 2\]"),
        ({"temperature": float("nan")}, "temperature = nan"),
        ({"top_k": -1}, "top_k = -1"),
        ({"top_k": 9999}, "top_k = 9999"),
        ({"top_p": 0.0}, r"top_p = 0.0; use a number in \[0.05, 1\]"),
        ({"draw": 100}, r"\[0, 99\]"),
        ({"length": 2001}, r"\[0, 2000\]"),
        ({"place": -2}, "place = -2"),
    ],
)
def test_bad_settings_are_refused_with_what_is_allowed(weights, tokens, bad, message):
    with pytest.raises(ValueError, match=message):
        WriteExplorer(weights, tokens, **bad)


def test_other_weights_and_tables_are_refused(weights, tokens):
    with pytest.raises(ValueError, match="the table has 256; give the table"):
        WriteExplorer(weights, Tokens([]))
    for wrong in (np.nan, 1e6):
        with pytest.raises(ValueError, match="array 1 are no numbers, or larger than 65,504"):
            WriteExplorer([weights[0], weights[1] + wrong, *weights[2:]], tokens)


def test_a_network_too_large_for_a_page_is_refused(weights, tokens, monkeypatch):
    monkeypatch.setattr(explore, "MOST_WEIGHTS", 1000)
    with pytest.raises(ValueError, match=r"has [\d,]+ weights; .* up to 1,000"):
        WriteExplorer(weights, tokens)


def test_walk_tries_all_and_names_a_failure(explorer, monkeypatch):
    assert explorer.walk() == 26

    def broken(written, place):
        return 1 / 0 if written["beginning"].startswith("def") else ""

    monkeypatch.setattr(explore, "writing_in_words", broken)
    with pytest.raises(kit.ExplorerError, match=r"def .*ZeroDivisionError"):
        explorer.walk()


def test_settings_come_back_as_the_lesson_understands_them(explorer):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["16"])
    parameters.validate(schema, explorer.lesson_params)
    assert explorer.texts()["Copy as command"].startswith(
        "labkit run 16 -p 'beginning=the thing' -p temperature=0.8"
    )


def test_a_network_of_a_lesson_makes_a_small_page():
    table = Tokens([(104, 105)] * 256)
    e = WriteExplorer(random_weights(512, context=64, width=48), table)
    assert len(e.network["weights"]) < 300_000
    assert len(e.html()) < 400_000


# --- in a browser ----------------------------------------------------------------------------

GROUND = {"light": "background: #fff; color: #111", "dark": "background: #111; color: #eee"}
# When each token came, in milliseconds, and how many letters it has.
WATCH = """() => {
  const text = document.querySelector('figure div').shadowRoot.querySelector('.text');
  window.came = [];
  new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach(
    (node) => window.came.push([performance.now(), node.textContent.length])))).observe(
    text, { childList: true });
}"""


def said(page):
    return page.locator(".status").inner_text()


def wait_for_tokens(page, count):
    page.wait_for_function(
        "(n) => document.querySelector('figure div').shadowRoot.querySelectorAll('.text span')"
        ".length >= n",
        arg=count,
    )


@browser.needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("theme", GROUND)
def test_letters_stream_at_more_than_20_a_second(still, tokens, capsys, theme):
    """A network as large as a lesson's: 512 tokens, width 64, two blocks of four heads."""
    table = Tokens([(104, 105)] * 256)
    e = WriteExplorer(random_weights(512, context=64, layers=2), table, beginning="the ")
    page = still(e, body=GROUND[theme])
    assert said(page) == e.text
    page.evaluate(WATCH)
    page.get_by_role("button", name="Write").click()
    assert said(page) == "The network writes."
    wait_for_tokens(page, 100)  # longer than the context: half of it is read again on the way
    page.get_by_role("button", name="Stop").click()
    came = np.array(page.evaluate("window.came"))
    rate = came[1:, 1].sum() / (came[-1, 0] - came[0, 0]) * 1000
    with capsys.disabled():
        print(f"\n{rate:.0f} letters a second in the {theme} theme")
    assert rate >= 20
    assert browser.contrast_of(page.locator(".status")) > 4.5
    # The first token: every second one has a ground that lets another shine through.
    assert browser.contrast_of(page.locator(".text span").first) > 4.5
    e.length = page.locator(".text span").count() - len(table.encode("the "))
    assert said(page) == e.text
    shown = "".join(page.locator(".text span").all_text_contents())
    assert shown == "".join(e.written["text"]).replace("\n", "↵\n")


@browser.needs_browser
@pytest.mark.slow
def test_a_token_is_pointed_at_by_mouse_and_keys_and_shows_its_looks(still, explorer):
    page = still(explorer)
    page.locator("[data-place='30']").hover()
    told = lambda place: writing_in_words(explorer.written, place)
    assert said(page) == told(30)
    colored = page.locator(".heads i[style]").all_text_contents()
    wanted = []  # the nearest pieces that find room, where a weight is not 0
    for _, looks in rows(explorer.written)[30]:
        pieces = explorer.written["text"][30 - len(looks) : 30]
        room = np.cumsum([len(piece) for piece in pieces[::-1]])[::-1] <= 64
        wanted += [p for p, w, fits in zip(pieces, looks, room, strict=True) if w > 0 and fits]
    marks = str.maketrans({" ": "␣", "\n": "↵"})
    assert colored == [piece.translate(marks) for piece in wanted]
    named = page.locator(".chances span").all_text_contents()
    assert named == [p.translate(marks) for p, _ in explorer.written["chances"][30]["best"]]
    page.locator(".text").focus()
    page.keyboard.press("ArrowRight")
    assert said(page) == told(31)
    page.keyboard.press("Home")
    assert said(page).endswith("Nothing stands before it.")
    page.keyboard.press("End")
    assert said(page) == told(len(explorer.written["text"]) - 1)
    page.keyboard.press("Escape")
    assert said(page) == told(-1)
    for width in (1000, 640, 401):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(browser.SETTLED)
        room, needed = page.locator(".lk").evaluate("(e) => [e.clientWidth, e.scrollWidth]")
        assert needed <= room, width


@browser.needs_browser
@pytest.mark.slow
def test_typing_and_turning_begin_anew_and_continue_goes_on(still, weights, tokens):
    at = lambda **settings: WriteExplorer(weights, tokens, **settings)
    page = still(at(length=9), reduced_motion="reduce")  # a whole stint at once
    field = page.get_by_label("beginning of the text")
    for beginning in ("", "naïve π", "the thing is " * 9):
        field.fill(beginning)
        assert said(page) == at(beginning=beginning).text
    field.fill("")
    field.press("Enter")
    assert page.locator(".text span").count() == 0
    field.fill("the thin")
    field.press("Enter")
    given = len(tokens.encode("the thin"))
    wait_for_tokens(page, given + 150)
    assert said(page) == at(beginning="the thin", length=150).text
    page.get_by_role("button", name="Continue").focus()
    page.keyboard.press("Enter")
    wait_for_tokens(page, given + 300)
    page.get_by_label("top-k").select_option("5")
    for name, keys in (("draw", ["ArrowRight"]), ("temperature", ["ArrowRight", "ArrowRight"])):
        page.get_by_label(name, exact=True).focus()
        for key in keys:
            page.keyboard.press(key)
    wait_for_tokens(page, given + 150)
    turned = at(beginning="the thin", temperature=1.0, top_k=5, draw=1, length=150)
    page.locator("[data-place='80']").hover()
    assert said(page) == writing_in_words(turned.written, 80)
    page.get_by_role("button", name="Copy as command").click()
    assert page.locator(".copied").inner_text() == turned.texts()["Copy as command"]
