"""Deletion tests, with models that are sums, so that the best map is known."""

import numpy as np
import pytest

from labkit.data import load_mnist
from labkit.datacenter.monitoring.deletion import controls, delete, deletion_curves, one_by_one
from labkit.maths.intervals import compare

COUNTS = (0, 9, 25, 49)


@pytest.fixture(scope="module")
def images():
    return load_mnist().x_test[:40]


def test_the_highest_pixels_go_and_the_original_stays():
    random = np.random.default_rng(0)
    images, maps = random.random((3, 5, 4, 2)) + 1, random.random((3, 5, 4))
    found = delete(images, maps, 7)
    for before, after, each in zip(images, found, maps, strict=True):
        gone = (after == 0).all(axis=2)
        assert gone.sum() == 7
        assert each[gone].min() > each[~gone].max()
        np.testing.assert_array_equal(after[~gone], before[~gone])
    assert (images > 0).all()
    assert found.dtype == images.dtype


def test_of_equal_values_the_first_pixels_go():
    assert delete(np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2)), 1).ravel().tolist() == [0, 1, 1, 1]


# --- controls ---------------------------------------------------------------------------------


def test_stroke_pixels_all_have_ink_and_differ_by_seed(images):
    maps = controls(images, seed=1)["random stroke pixels"]
    gone = delete(np.ones_like(images), maps, 25)[..., 0] == 0
    strokes = (images[..., 0] > 0.5).sum(axis=(1, 2))
    enough = strokes >= 25
    assert enough.sum() > 30
    assert (images[..., 0][gone & enough[:, None, None]] > 0.5).all()
    again = controls(images, seed=2)["random stroke pixels"]
    assert (delete(images, maps, 25) != delete(images, again, 25)).any(axis=(1, 2, 3)).all()


def test_random_pixels_take_their_share_of_the_ink(images):
    left = np.mean(
        [
            delete(images, controls(images, seed=s)["random pixels"], 196).sum() / images.sum()
            for s in range(10)
        ]
    )
    assert left == pytest.approx(0.75, abs=0.02)  # 196 of 784 pixels went


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_window_is_the_one_with_the_most_ink(images, size):
    found = delete(images, controls(images, size)["inkiest window"], size**2)
    for before, after in zip(images[..., 0], found[..., 0], strict=True):
        most = max(
            before[r : r + size, c : c + size].sum()
            for r in range(29 - size)
            for c in range(29 - size)
        )
        assert before.sum() - after.sum() == pytest.approx(most, rel=1e-5)


# --- curves -------------------------------------------------------------------------------------


def test_for_a_sum_the_true_contributions_fall_fastest_and_by_what_they_add(images):
    random = np.random.default_rng(3)
    weight = random.normal(size=(28, 28)).astype("float32")
    true = images[..., 0] * weight
    curves = deletion_curves(
        lambda x: (x[..., 0] * weight).sum(axis=(1, 2)),
        images,
        {"true": true, "ink": images[..., 0], **controls(images)},
        COUNTS,
    )
    highest = -np.sort(-true.reshape(len(true), -1), axis=1)
    for count, found in zip(COUNTS, curves["true"], strict=True):
        expected = true.sum(axis=(1, 2)) - highest[:, :count].sum(axis=1)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    for name in set(curves) - {"true"}:
        assert compare(curves["true"][2], curves[name][2], higher_is_better=False)[2] == "better"


def test_a_map_of_the_ink_looks_good_to_a_model_that_only_counts_ink(images):
    """Against random pixels any map of the ink wins; against stroke pixels it is even."""
    curves = deletion_curves(
        lambda x: (x > 0.5).sum(axis=(1, 2, 3)).astype(float),
        images,
        {"ink": images[..., 0], **controls(images)},
        [25],
    )
    assert compare(curves["ink"][0], curves["random pixels"][0], False).verdict == "better"
    assert compare(curves["ink"][0], curves["random stroke pixels"][0], False).change == 0


def test_the_learners_deletion_has_its_place(images):
    maps, calls = {"a": images[..., 0]}, []

    def mine(images, maps, count):
        calls.append(count)
        return images * 0

    curves = deletion_curves(lambda x: x.sum(axis=(1, 2, 3)), images, maps, COUNTS, mine)
    assert calls == list(COUNTS)
    assert (curves["a"] == 0).all()
    assert curves["a"].shape == (4, 40)


def test_a_deletion_of_one_image_serves_many(images):
    def mine(image, heat, count):
        left = image.copy()
        left.flat[np.argsort(heat, axis=None)[-count:]] = 0  # of 0 that would be all
        return left

    maps = np.random.default_rng(4).random(images.shape[:3])
    for count in (0, 1, 30):
        found = one_by_one(mine)(images, maps, count)
        np.testing.assert_array_equal(found, delete(images, maps, count))


def test_errors_name_what_came(images):
    with pytest.raises(ValueError, match=r"\(40, 28, 28\). Received: \(40, 28, 28, 1\)"):
        delete(images, images, 3)
    with pytest.raises(ValueError, match=r"0 to 784. Received: 785"):
        delete(images, images[..., 0], 785)
    with pytest.raises(ValueError, match=r"odd.*Received: 4"):
        controls(images, size=4)
