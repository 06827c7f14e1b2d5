"""The sliding window, JavaScript against Python and in a browser; the feature maps."""

import re

import browser
import numpy as np
import pytest

from labkit.explore import convolution as explore
from labkit.explore import convolution_pictures as pictures
from labkit.explore import kit
from labkit.explore.convolution import SlidingWindow, place_in_words, two_decimals
from labkit.maths.convolution import KERNELS, conv2d, max_pool2d


def test_examples_are_one_digit_each():
    assert explore.examples().shape == (10, 28, 28)
    assert 0 <= explore.examples().min() < explore.examples().max() <= 1


def test_all_presets_are_known_by_name():
    assert [explore.kernel_name(explore.nine(kernel)) for kernel in KERNELS.values()] == [*KERNELS]
    assert explore.kernel_name([9.0] * 9) is None


# --- JavaScript against Python ---------------------------------------------------------------

ASK = """
const answer = ({ cases, ...rest }) => cases.map((each) => sliding.answer({ ...rest, ...each }));
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Settings, and what JavaScript finds at them, at places inside and outside of the map."""
    e = SlidingWindow()
    places = [(-1, -1), (0, 0), (3, 11), (12, 12), (6, 7), (25, 4), (27, 27)]
    cases = [
        {**params, "row": places[k % 7][0], "column": places[k % 7][1]}
        for k, params in enumerate(e.grid())
    ]
    question = {"examples": e.examples, "kernels": e.kernels, "cases": cases}
    folder = tmp_path_factory.mktemp("javascript")
    answers = browser.ask("sliding/words", "sliding", ASK, question, folder)
    return list(zip(cases, answers, strict=True))


def test_javascript_computes_what_the_layers_of_the_lab_do(both):
    assert len(both) > 100
    for case, there in both:
        image = explore.examples()[case["digit"]][None, :, :, None]
        kernel = np.reshape(case["weights"], (3, 3, 1, 1))
        found = conv2d(image, kernel, stride=case["stride"], padding=case["padding"])
        np.testing.assert_allclose(there["map"], found.ravel(), atol=1e-9)
        pooled = max_pool2d(found).ravel() if case["pooling"] != "none" else []
        np.testing.assert_allclose(there["pooled"], pooled, atol=1e-9)


def test_javascript_says_the_same_words(both):
    for case, there in both:
        assert there["text"] == SlidingWindow(**case).text


def test_every_kind_of_sentence_is_met(both):
    said = " ".join(there["text"] for _, there in both)
    for words in ("Point at", "pooling leaves it out", "pooling keeps it", "pooling keeps that"):
        assert words in said
    for words in ("nothing of the image is left", "even areas vanish", "multiplied by that"):
        assert words in said


def test_the_page_takes_the_names_of_all_its_modules_into_one_room():
    assert "export const { render, revive }" in SlidingWindow._esm
    assert not re.search(r"^import ", SlidingWindow._esm, re.MULTILINE)


# --- the widget ------------------------------------------------------------------------------


def test_the_sum_of_the_words_is_that_of_nine_products():
    e = SlidingWindow(weights=[1.0, 0, 2, 0, -3, 0, 0, 0.5, 0], padding="same", stride=2)
    padded = np.pad(explore.examples()[3], ((0, 1), (0, 1)))
    e.row, e.column = 6, 7
    window = padded[12:15, 14:17]
    total = (window * np.reshape(e.weights, (3, 3))).sum()
    assert "the window begins at row 12, column 14" in e.text
    assert f"add up to {two_decimals(total)}." in e.text


def test_a_place_outside_a_smaller_map_is_no_place():
    e = SlidingWindow(row=20, column=20)
    assert "Row 20" in e.text
    e.stride = 3
    assert "Point at a number" in e.text
    assert place_in_words(e.params, e.compute(**e.params), 8, 8).startswith("Row 8")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"weights": [1.0]}, "nine numbers from -10 to 10"),
        ({"weights": [99.0] * 9}, "nine numbers from -10 to 10"),
        ({"weights": ["a"] * 9}, "nine numbers"),
        ({"digit": 10}, r"digit = 10; use a number in \[0, 9\]"),
        ({"stride": 0}, "stride = 0"),
        ({"padding": "some"}, "use one of: valid, same"),
        ({"pooling": "mean"}, "use one of: none, max 2 x 2"),
    ],
)
def test_bad_settings_are_refused_with_what_is_allowed(bad, message):
    with pytest.raises(ValueError, match=message):
        SlidingWindow(**bad)


def test_an_unknown_setting_is_refused_by_name():
    with pytest.raises(TypeError, match="no setting 'strides'"):
        SlidingWindow(strides=2)


def test_settings_come_back_as_a_lesson_understands_them():
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["11"])
    e = SlidingWindow(pooling="max 2 x 2")
    assert e.texts()["Copy as command"].startswith("labkit run 11 -p 'weights=[-1.0, 0.0, 1.0,")
    parameters.validate(schema, e.params)


def test_the_whole_range_works_and_a_failure_is_named(monkeypatch):
    assert SlidingWindow().walk() > 100
    monkeypatch.setattr(explore, "two_decimals", lambda number: 1 / 0)
    with pytest.raises(kit.ExplorerError, match=r"SlidingWindow\(weights=.*ZeroDivisionError"):
        SlidingWindow().walk()


def test_executed_copies_hold_a_page_that_computes(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    data, _ = SlidingWindow(row=3, column=4)._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain", "image/png"}
    assert len(data["text/html"]) < 100_000


# --- in a browser ----------------------------------------------------------------------------


@browser.needs_browser
@pytest.mark.slow
def test_pointing_typing_and_turning_give_what_python_says(still):
    page = still(SlidingWindow())

    def said():
        return " ".join(page.locator(part).inner_text() for part in (".status", ".place"))

    assert said() == SlidingWindow().text
    field = page.get_by_role("application", name="feature map")
    box = field.bounding_box()
    page.mouse.move(box["x"] + 10.5 / 28 * box["width"], box["y"] + 6.5 / 28 * box["height"])
    assert said() == SlidingWindow(row=6, column=10).text
    field.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert said() == SlidingWindow(row=7, column=9).text
    page.get_by_label("weight row 2, column 2").fill("4.5")
    weights = [-1.0, 0, 1, -2, 4.5, 2, -1, 0, 1]
    assert said() == SlidingWindow(weights=weights, row=7, column=9).text
    page.get_by_label("kernel").select_option("blur")
    page.get_by_text("max 2 x 2").click()
    page.get_by_text("same", exact=True).click()
    settings = {"weights": explore.nine(KERNELS["blur"]), "padding": "same"}
    turned = SlidingWindow(**settings, pooling="max 2 x 2", row=7, column=9)
    assert said() == turned.text
    assert page.locator(".sum").inner_text().removeprefix("sum: ") in turned.text
    page.get_by_role("button", name="Copy as command").click()
    assert page.locator(".copied").inner_text() == turned.texts()["Copy as command"]


# --- feature maps ----------------------------------------------------------------------------


def test_mosaic_puts_channel_n_into_row_n_div_8_and_column_n_mod_8():
    maps = np.zeros((2, 3, 16))
    maps[:, :, 10] = 1
    tiles = explore.mosaic(maps)
    assert tiles.shape == (2 * 3, 8 * 4)
    rows, columns = np.nonzero(tiles)
    assert (rows.min(), rows.max()) == (3, 4)
    assert (columns.min(), columns.max()) == (2 * 4, 2 * 4 + 2)


def test_draw_images_tells_signed_pictures_from_gray_ones():
    gray, signed = np.ones((1, 4, 4, 1)), np.full((4, 4), -1.0)
    fig, axes = explore.draw_images([gray, signed, gray], columns=2, titles=["a", "b", "c"])
    shown = [ax.images[0].get_cmap().name for ax in axes[:3]]
    assert shown == ["gray", "PuOr_r", "gray"]
    assert not axes[3].get_visible()
    import matplotlib.pyplot as plt

    plt.close(fig)


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("keras")
    from labkit.networks.models import small_cnn

    return small_cnn(seed=0)


@pytest.fixture
def maps(model):
    return explore.FeatureMapExplorer(model, explore.examples()[..., None])


ASK_MAPS = "const answer = (question) => maps.answerAll(question);"


@pytest.mark.slow
def test_feature_maps_are_those_of_the_network_but_for_rounded_weights(maps, model):
    from labkit.networks.attribution import feature_maps

    theirs = feature_maps(model, explore.examples()[..., None])
    for layer, found in theirs.items():
        for channel in range(found.shape[3]):
            ours = maps.compute(digit=7, layer=layer, channel=channel)["answer"]
            np.testing.assert_allclose(ours, found[7, ..., channel], atol=0.1 * found[7].max())


@pytest.mark.slow
def test_javascript_sees_the_same_maps_and_says_the_same(maps, tmp_path):
    *others, last = maps.layers
    maps.layers = [*others, last | {"biases": [-99.0, *last["biases"][1:]]}]  # a silent channel
    places = [(-1, -1), (0, 0), (2, 1), (10, 3), (20, 25)]
    cases = [
        {**params, "row": places[k % 5][0], "column": places[k % 5][1]}
        for k, params in enumerate(maps.grid())
    ]
    question = {"layers": maps.layers, "examples": maps.examples, "cases": cases}
    answers = browser.ask("maps/words", "maps", ASK_MAPS, question, tmp_path)
    for case, there in zip(cases, answers, strict=True):
        for name, value in case.items():
            setattr(maps, name, value)
        assert there["text"] == maps.text
        here = maps.compute(**maps.params)["answer"]
        np.testing.assert_allclose(there["answer"], here.ravel(), atol=2e-6)
    said = " ".join(there["text"] for there in answers)
    assert "silent" in said
    assert "counting starts again" in said
    assert "of the map answers" in said


@pytest.mark.slow
def test_the_framed_pixels_are_what_the_value_has_seen(maps):
    """Nothing outside the frame may change the answer; something inside must."""
    for layer in ("conv_1", "conv_2", "conv_3"):
        result = maps.compute(digit=3, layer=layer, channel=1)
        top, left, size = (int(number) for number in result["seen"])
        frame = np.zeros((28, 28), bool)
        frame[top : top + size, left : left + size] = True
        number = [each["name"] for each in maps.layers].index(layer)
        for mask, same in [(frame, True), (~frame, False)]:
            kept = np.where(mask, result["image"], 0)
            answer = explore._all_maps(kept, maps.layers)[number][(*result["place"], 1)]
            assert np.isclose(answer, result["answer"].max(), atol=1e-5) == same


@pytest.mark.slow
def test_other_networks_and_settings_are_refused(model):
    from labkit.networks.backend import keras

    images = explore.examples()[..., None]
    with pytest.raises(ValueError, match="layer = 'conv_9' is not known; use one of: conv_1"):
        explore.FeatureMapExplorer(model, images, layer="conv_9")
    wide = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(2, 5, name="wide")])
    with pytest.raises(ValueError, match=r"layer wide is .* the page computes 3 × 3"):
        explore.FeatureMapExplorer(wide, images)


@browser.needs_browser
@pytest.mark.slow
def test_a_click_chooses_a_channel_and_pointing_a_place(still, maps):
    page = still(maps)

    def said(**settings):
        for name, value in settings.items():
            setattr(maps, name, value)
        return page.locator(".status").inner_text() == maps.text

    assert said()
    mosaic = page.get_by_role("application", name="all channels")
    box = mosaic.bounding_box()  # four rows of eight
    page.mouse.click(box["x"] + 2.5 / 8 * box["width"], box["y"] + 1.5 / 4 * box["height"])
    assert said(channel=10)
    mosaic.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert said(channel=19)
    box = page.get_by_role("application", name="map of the channel").bounding_box()
    page.mouse.move(box["x"] + 4.5 / 26 * box["width"], box["y"] + 7.5 / 26 * box["height"])
    assert said(row=7, column=4)
    page.get_by_text("conv_3").click()
    assert said(layer="conv_3", row=-1, column=-1)
    page.get_by_label("digit", exact=False).first.press("ArrowRight")
    assert said(digit=4)


def test_falls_start_at_zero_unless_a_probability_rose(shown):
    up, down = np.linspace(-0.3, -0.1, 9), np.linspace(0.1, 0.3, 9)
    pictures.falls({"a": down, "b": down + 0.1})
    pictures.falls({"a": down, "b": up})
    assert shown[0][0].axes[0].get_xlim()[0] == 0
    assert shown[1][0].axes[0].get_xlim()[0] < -0.2
