"""The kernel editor and the feature maps, without a browser."""

import io

import numpy as np
import pytest
from PIL import Image

from labkit.explore import convolution as explore
from labkit.explore.convolution import KernelExplorer
from labkit.maths.convolution import KERNELS, cross_correlate2d


def pixels(explorer):
    return np.asarray(Image.open(io.BytesIO(explorer.png)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def kernels():
    return KernelExplorer()


@pytest.fixture
def explorer(kernels):
    start = kernels.params
    yield kernels
    for name, value in start.items():
        kernels.controls[name].value = value


def test_examples_are_one_digit_each():
    assert explore.examples().shape == (10, 28, 28)
    assert 0 <= explore.examples().min() < explore.examples().max() <= 1


def test_it_computes_the_cross_correlation():
    for name, kernel in KERNELS.items():
        for stride, padding in [(1, "valid"), (2, "same"), (3, "valid")]:
            result = KernelExplorer.compute(explore.nine(kernel), 5, stride, padding)
            expected = cross_correlate2d(explore.examples()[5], kernel, stride, padding)
            np.testing.assert_allclose(result["output"], expected, atol=2e-3, err_msg=name)


def test_typing_one_weight_changes_result_picture_and_words(explorer):
    before, picture, words = explorer.result["output"], pixels(explorer), explorer.text
    explorer.controls["weights"].fields[4].value = 5.0
    assert explorer.params["weights"][4] == 5.0
    difference = explorer.result["output"] - before
    np.testing.assert_allclose(difference, 5 * explorer.result["image"][1:-1, 1:-1], atol=1e-6)
    assert (pixels(explorer) != picture).any()
    assert "Your kernel" in explorer.text
    assert explorer.text != words


def test_a_preset_fills_in_all_nine_weights_with_one_drawing(explorer):
    drawn = []
    explorer._status.observe(drawn.append, "value")
    explorer._jump(explorer.presets["blur"])
    fields = [field.value for field in explorer.controls["weights"].fields]
    assert fields == explorer.params["weights"] == explore.nine(KERNELS["blur"])
    assert "blur" in explorer.text
    assert len(drawn) == 1


def test_all_presets_are_known_by_name():
    assert [explore.kernel_name(explore.nine(kernel)) for kernel in KERNELS.values()] == [*KERNELS]
    assert explore.kernel_name([9.0] * 9) is None


def test_stride_makes_the_picture_of_the_output_smaller(explorer):
    explorer.controls["stride"].value = 2
    assert explorer.result["output"].shape == (13, 13)
    assert "13 × 13" in explorer.text


def test_zero_weights_are_said_in_words(explorer):
    explorer.controls["weights"].value = [0.0] * 9
    assert "nothing of the image is left" in explorer.text


def test_every_weight_field_has_a_name_and_takes_the_keyboard(explorer):
    fields = explorer.controls["weights"].fields
    assert [field.tooltip for field in fields] == [
        f"weight row {u}, column {v}" for u in (1, 2, 3) for v in (1, 2, 3)
    ]
    assert all(field.step == 0.5 for field in fields)  # what an arrow key adds


@pytest.mark.parametrize("weights", [[1.0], [99.0] * 9, "sobel"])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights = "):
        KernelExplorer(weights=weights)


def test_settings_come_back_as_a_lesson_understands_them(explorer):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["11"])
    command = explorer.texts()["Copy as command"]
    assert command.startswith("labkit run 11 -p 'weights=[-1.0, 0.0, 1.0,")
    parameters.validate(schema, explorer.params)


def test_the_whole_range_works(kernels):
    assert kernels.walk() > 30


def test_it_computes_fast_enough_to_be_dragged(explorer):
    import time

    times = []
    for _ in range(5):
        started = time.perf_counter()
        explorer.compute(**explorer.params)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.1


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
    expected = cross_correlate2d(explore.examples()[7], kernel[:, :, 0, 5]) + bias[5]
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
