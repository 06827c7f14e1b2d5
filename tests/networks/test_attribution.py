"""Feature maps, gradients and Grad-CAM against finite differences, on every installed backend."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from labkit.networks import attribution, backend

pytestmark = pytest.mark.slow

# Grad-CAM written out with finite differences: independent of any backend's gradient.
CHECK = """
import numpy as np
from labkit.networks.backend import keras
from labkit.maths.convolution import conv2d, max_pool2d
from labkit.networks.attribution import class_gradient, class_scores, feature_maps, grad_cam
from labkit.networks.models import small_cnn

model = small_cnn(seed=1)
images = np.random.default_rng(0).random((2, 28, 28, 1), dtype="float32")
classes = np.array([3, 8])
maps = feature_maps(model, images)["conv_3"]
dense, digits = (model.get_layer(n).get_weights() for n in ("dense_1", "digits"))

def scores(maps):
    hidden = np.maximum(maps.reshape(len(maps), -1) @ dense[0] + dense[1], 0)
    return (hidden @ digits[0] + digits[1])[np.arange(2), classes]

gradient = np.zeros(maps.shape)
wide = maps.astype(float)
for place in np.ndindex(maps.shape[1:]):
    step = np.zeros(maps.shape)
    step[(slice(None), *place)] = 1e-4
    gradient[(slice(None), *place)] = (scores(wide + step) - scores(wide - step)) / 2e-4
cam = np.maximum((gradient.mean(axis=(1, 2), keepdims=True) * maps).sum(axis=3), 0)
cam /= np.maximum(cam.max(axis=(1, 2), keepdims=True), 1e-12)
np.testing.assert_allclose(grad_cam(model, images, classes, "conv_3"), cam, atol=1e-3)
assert cam.max() == 1

def all_scores(images):  # the whole network in float64
    x = images
    for name in ("conv_1", "conv_2", "conv_3"):
        x = np.maximum(conv2d(x, *map(np.float64, model.get_layer(name).get_weights())), 0)
        x = x if name == "conv_3" else max_pool2d(x)
    return scores(x)

wide = images.astype(float)
np.testing.assert_allclose(class_scores(model, images, classes), all_scores(wide), atol=1e-4)
ours = class_gradient(model, images, classes)
for place in np.random.default_rng(1).integers(28, size=(30, 2)):
    step = np.zeros(wide.shape)
    step[:, *place] = 1e-6
    slope = (all_scores(wide + step) - all_scores(wide - step)) / 2e-6
    np.testing.assert_allclose(ours[:, *place, 0], slope, atol=1e-4)
print("agrees on", keras.backend.backend())
"""


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_gradients_and_grad_cam_equal_finite_differences(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    environment = os.environ | {"KERAS_BACKEND": name}
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"agrees on {name}" in done.stdout


@pytest.fixture(scope="module")
def model():
    from labkit.networks.models import small_cnn

    return small_cnn(seed=0)


def test_feature_maps_equal_our_own_convolution(model):
    from labkit.maths.convolution import conv2d, max_pool2d

    images = np.random.default_rng(0).random((3, 28, 28, 1))
    maps = attribution.feature_maps(model, images)
    assert list(maps) == ["conv_1", "conv_2", "conv_3"]
    x = images
    for name, ours in maps.items():
        x = np.maximum(conv2d(x, *model.get_layer(name).get_weights()), 0)
        np.testing.assert_allclose(ours, x, atol=1e-5)
        x = max_pool2d(x)


def test_receptive_fields_of_the_small_network(model):
    fields = attribution.receptive_fields(model)
    assert fields == {"conv_1": (3, 1, 1.0), "conv_2": (8, 2, 3.5), "conv_3": (18, 4, 8.5)}


def test_receptive_fields_refuse_padding():
    from labkit.networks.backend import keras

    padded = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, padding="same")])
    with pytest.raises(ValueError, match="padding 'same'"):
        attribution.receptive_fields(padded)


def test_errors_name_what_came(model):
    images = np.zeros((2, 28, 28, 1))
    with pytest.raises(ValueError, match=r"conv_9.*conv_1, conv_2, conv_3"):
        attribution.grad_cam(model, images, np.array([1, 2]), "conv_9")
    with pytest.raises(ValueError, match=r"2 images.*\(1,\)"):
        attribution.grad_cam(model, images, np.array([1]), "conv_1")
    with pytest.raises(ValueError, match=r"2 images.*\(1,\)"):
        attribution.class_gradient(model, images, np.array([1]))


def test_no_convolution_is_said():
    from labkit.networks.backend import keras

    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="no convolution layer"):
        attribution.feature_maps(dense, np.zeros((1, 4)))


def test_occlude_covers_one_square_an_image_and_leaves_the_original_alone():
    images = np.ones((2, 5, 5, 1))
    covered = attribution.occlude(images, [-1, 3], [0, 3], size=2)
    assert covered[0, :, :, 0].sum() == 25 - 2  # half of the square lies outside
    assert covered[1, 3:, 3:, 0].sum() == 0
    assert images.all()


def test_a_stroke_pixel_lies_on_the_stroke_and_each_has_the_same_chance():
    image = np.zeros((1, 4, 4, 1))
    image[0, [0, 1, 3], [2, 2, 1]] = 0.9
    image[0, 2, 2] = 0.4  # no stroke
    images = np.repeat(image, 3000, axis=0)
    rows, columns = attribution.stroke_pixels(images, np.random.default_rng(0))
    places, counts = np.unique(4 * rows + columns, return_counts=True)
    assert places.tolist() == [2, 6, 13]
    assert np.abs(counts - 1000).max() < 120


def test_start_up_chatter_is_held_back_and_all_else_passes():
    code = (
        "import os\nfrom labkit.networks.backend import without_chatter\n"
        "with without_chatter():\n"
        "    os.write(2, b'I0000 oneDNN custom operations are on. You may see\\n')\n"
        "    os.write(2, b'could not load a library\\n')\n"
        "os.write(2, b'later\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == "could not load a library\nlater\n"


def test_keras_comes_without_chatter():
    code = "from labkit.networks.backend import keras; print(keras.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.startswith("3.")


def test_the_backend_room_has_one_thing():
    with pytest.raises(AttributeError, match="it has 'keras'"):
        backend.tensorflow  # noqa: B018
