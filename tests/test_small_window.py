"""Every explorer in a small window of JupyterLab, 1366 x 768 pixels with its side bar open.

Does it fit, does it answer to keys, can it be read in both themes?
"""

import re

import gallery
import pytest
from browser import SETTLED, Lab, contrast_of, focus, needs_browser, pixels_of
from colors import contrast

pytestmark = [pytest.mark.slow, needs_browser]

NAMES = list(gallery.EXPLORERS)
SCROLLS = "91 results"  # its own table of runs, sideways, within the table's frame


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    gallery.write_gallery(folder / "gallery.ipynb")
    with Lab(folder, 1366, 768) as lab:
        yield lab


@pytest.fixture(scope="module")
def page(lab):
    page = lab.open("gallery.ipynb")
    assert lab.run(page), "a cell raised"
    page.set_default_timeout(15_000)
    yield page
    assert page.problems == []
    lab.close(page)


def explorer(page, name):
    output = page.locator(".jp-Notebook .jp-Cell").nth(NAMES.index(name) + 1)
    outputs = output.locator(".jp-Cell-outputArea > .jp-OutputArea-child > .jp-OutputArea-output")
    root = outputs.last  # an explorer may have an output area of its own
    root.scroll_into_view_if_needed()
    return root


def test_controls_and_picture_fit_together_and_nothing_scrolls_sideways(page):
    for width in (1100, 1353, 1366):  # the last one stays
        sizes = dict(zip(NAMES, gallery.measure(page, width)[1:], strict=True))
        wide = {name for name, size in sizes.items() if size["over"]}
        assert wide <= {SCROLLS}, width
        if width > 1300:
            high = {name: size["height"] for name, size in sizes.items()}
            assert {name: h for name, h in high.items() if h > gallery.MOST} == {}


def press_a_key(root):
    """Move the first slider by one step; where there is none, the first menu."""
    handle = root.get_by_role("slider").first
    if not handle.count():
        menu = root.get_by_role("combobox").first
        menu.focus()
        menu.press("ArrowDown")
        return
    highest = handle.get_attribute("aria-valuemax") or handle.get_attribute("max")
    at_the_top = highest == (handle.get_attribute("aria-valuenow") or handle.input_value())
    handle.focus()
    handle.press("ArrowLeft" if at_the_top else "ArrowRight")


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_to_keys_with_words_and_picture(page, name):
    from playwright.sync_api import expect

    root = explorer(page, name)
    status = root.get_by_role("status").first
    words, before = status.inner_text(), pixels_of(root)
    press_a_key(root)
    expect(status).not_to_have_text(words)
    page.evaluate(SETTLED)
    after = pixels_of(root)  # of another height where the caption has a line more or less
    assert after.shape != before.shape or (after != before).mean() > 1e-4


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_its_words_can_be_read_in_both_themes(lab, page, theme):
    lab.change_theme(page, theme)
    ratios = {name: contrast_of(explorer(page, name).get_by_role("status").first) for name in NAMES}
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}  # WCAG 2, AA


@pytest.mark.parametrize(
    ("name", "play", "turned"),
    [("01 rate", "Play", r"step\s+\d+ of 20"), ("04 training", "Start", r"epoch [1-9]"),
     ("10 watch", "Start", r"[1-9]\d* of 10 updates")],
)  # fmt: skip
def test_what_was_reset_can_play(page, name, play, turned):
    from playwright.sync_api import expect

    root = explorer(page, name)
    button = root.get_by_role("button", name=play, exact=True)
    reset = root.get_by_role("button", name="Reset", exact=True)
    if name == "04 training":
        button.click()
        expect(reset).to_be_enabled()
        root.get_by_role("button", name="Pause", exact=True).click()
    reset.click()
    expect(button).to_be_enabled()
    button.click()
    expect(root).to_contain_text(re.compile(turned))


@pytest.mark.parametrize("name", ["00 start", "01 momentum", "04 training", "10 draw", SCROLLS])
def test_copied_is_said_beside_the_button_and_moves_nothing(page, name):
    from playwright.sync_api import expect

    root = explorer(page, name)
    if name == SCROLLS:  # its buttons stand beside the chosen run
        root.get_by_text("The chosen run, and all runs").click()
    button = root.get_by_role("button", name="Copy as command", exact=True).first
    button.scroll_into_view_if_needed()
    before = button.bounding_box()
    button.click()
    said = root.get_by_text("Copied.", exact=True)
    expect(said).to_have_count(1)
    now, word = button.bounding_box(), said.bounding_box()
    assert now == before
    beside = now["y"] < word["y"] + word["height"] / 2 < now["y"] + now["height"]
    assert beside or name == SCROLLS  # there the three buttons take two rows


def test_the_focus_of_the_start_point_has_a_ring_of_its_own(page):
    root = explorer(page, "01 rate")
    ring = root.locator(".handle .focus").last
    stroke = "node => getComputedStyle(node).stroke"
    assert ring.evaluate(stroke) == "none"
    focus(page, root.get_by_role("slider", name="start point"))
    page.keyboard.press("ArrowRight")
    assert ring.evaluate(stroke) != "none"


def test_weights_and_the_map_have_names_with_their_context(page):
    root = explorer(page, "11 window")
    assert root.get_by_label("weight row 1, column 2").input_value() == "0"
    names = root.locator(".nine input").evaluate_all("all => all.map((each) => each.ariaLabel)")
    assert names == [f"weight row {u}, column {v}" for u in (1, 2, 3) for v in (1, 2, 3)]
    assert root.get_by_role("application", name="feature map: arrow keys").count() == 1


def _hex(color):
    return "#" + "".join(f"{part:02x}" for part in color)


def test_pictures_follow_the_theme_at_any_time_and_data_keep_their_colors(lab, page):
    """The paper turns into the page's ground, letters into white; digits stay as they are."""
    seen = {}
    for theme in ("dark", "light"):
        lab.change_theme(page, theme)
        line, digit = (explorer(page, name).locator("img") for name in ("00 start", "04 flow"))
        ground = page.locator(".jp-Notebook").first.evaluate(
            "node => getComputedStyle(node).backgroundColor"
        )
        page.evaluate(SETTLED)
        line.scroll_into_view_if_needed()
        corner = pixels_of(line)[3, 3]
        assert re.findall(r"\d+", ground)[:3] == [str(part) for part in corner]
        darkest = min(pixels_of(line).reshape(-1, 3).tolist(), key=sum)
        lightest = max(pixels_of(line).reshape(-1, 3).tolist(), key=sum)
        assert contrast(_hex(darkest), _hex(lightest)) > 12
        digit.scroll_into_view_if_needed()
        pixels = pixels_of(digit)
        height, width = pixels.shape[:2]
        seen[theme] = pixels[
            int(0.08 * height) : height // 3, int(0.045 * width) : int(0.15 * width)
        ]
    assert (seen["dark"] == seen["light"]).all()
    assert seen["dark"].min() == 0
    assert seen["dark"].max() > 240
