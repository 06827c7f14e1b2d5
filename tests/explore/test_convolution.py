"""The sliding window, JavaScript against Python and in a browser; the feature maps."""

import re

import browser
import numpy as np
import pytest

from labkit.explore import convolution as explore
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
def maps():
    pytest.importorskip("keras")
    from labkit.explore.convolution import FeatureMapExplorer
    from labkit.networks.models import small_cnn

    return FeatureMapExplorer(small_cnn(seed=0), explore.examples()[..., None])


@pytest.mark.slow
def test_feature_maps_are_those_of_the_network(maps):
    from labkit.networks.models import small_cnn

    kernel, bias = small_cnn(seed=0).get_layer("conv_1").get_weights()
    image = explore.examples()[7][None, :, :, None]
    expected = conv2d(image, kernel, bias)[0, :, :, 5]
    result = maps.compute(digit=7, layer="conv_1", channel=5)
    np.testing.assert_allclose(result["answer"], np.maximum(expected, 0), atol=1e-5)


@pytest.mark.slow
def test_the_framed_pixels_are_what_the_strongest_answer_has_seen(maps):
    """Nothing outside the frame may change the answer; something inside must."""
    from labkit.networks.attribution import feature_maps
    from labkit.networks.models import small_cnn

    for layer in ("conv_1", "conv_2", "conv_3"):
        result = maps.compute(digit=3, layer=layer, channel=1)
        row, column, strongest = result["strongest"]
        top, left, size = (int(number) for number in result["seen"])
        frame = np.zeros((28, 28), bool)
        frame[top : top + size, left : left + size] = True
        image = result["image"]
        for mask, same in [(frame, True), (~frame, False)]:
            kept = np.where(mask, image, 0)[None, :, :, None]
            answer = feature_maps(small_cnn(seed=0), kept)[layer][0, row, column, 1]
            assert np.isclose(answer, strongest, atol=1e-5) == same


@pytest.mark.slow
def test_channels_beyond_the_layer_start_again_and_say_so(maps):
    maps.controls["layer"].value = "conv_1"
    maps.controls["channel"].value = 40
    assert maps.result["channel"] == 8
    assert "there is no channel 40" in maps.text
    assert maps.walk() > 30
