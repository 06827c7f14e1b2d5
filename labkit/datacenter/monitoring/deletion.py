"""Is a heat map true? Delete the pixels that it calls important, and see whether the model notices.

That alone proves little: a digit from which any ink is taken is read less well. So each map stands
beside controls that know nothing of the model: random pixels, random pixels of the strokes, and the
square with the most ink. A map that is no better than these has found the ink.

Source: Samek and others, Evaluating the visualization of what a deep neural network has learned
    (2017); Hooker and others, A benchmark for interpretability methods in deep neural networks
    (2019), for the doubt that is left: a digit with holes is like nothing that the model was
    trained on.
Lesson: 27_monitoring_and_interpretability. The maps come from `labkit.networks.attribution`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

STROKE = 0.5  # ink from which on a pixel counts as one of a stroke

# delete(images (n, height, width, channels), maps (n, height, width), count) -> images
Delete = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def delete(images: np.ndarray, maps: np.ndarray, count: int) -> np.ndarray:
    """Return copies of the images, each with the `count` pixels of highest value in its map at 0.

    Args:
        images: shape (n, height, width, channels).
        maps: one number for each pixel, shape (n, height, width); of equal ones the first go.
        count: pixels to delete, from 0 to all.

    Raises:
        ValueError: maps that do not fit the images, or a count that no image has.

    >>> delete(np.ones((1, 1, 3, 1)), np.array([[[0.2, 0.9, 0.5]]]), 2).ravel().tolist()
    [1.0, 0.0, 0.0]
    """
    pixels = images.shape[1] * images.shape[2]
    if maps.shape != images.shape[:3]:
        raise ValueError(f"maps must have shape {images.shape[:3]}. Received: {maps.shape}")
    if not 0 <= count <= pixels:
        raise ValueError(f"count must lie in 0 to {pixels}. Received: {count}")
    order = np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")
    keep = np.ones((len(maps), pixels), images.dtype)
    np.put_along_axis(keep, order[:, :count], 0, axis=1)
    return images * keep.reshape(*maps.shape, 1)


def one_by_one(delete_one: Callable[[np.ndarray, np.ndarray, int], np.ndarray]) -> Delete:
    """Return a deletion for many images, from one that takes an image and its map, (height, width).

    With nothing to delete it gives the images back: `order[-0:]` would be all of them.

    >>> masked = one_by_one(lambda image, heat, count: np.where(heat > 0, 0, image))
    >>> masked(np.ones((1, 1, 2, 1)), np.array([[[0.0, 0.7]]]), 1).ravel().tolist()
    [1.0, 0.0]
    """

    def delete(images: np.ndarray, maps: np.ndarray, count: int) -> np.ndarray:
        if not count:
            return images
        pairs = zip(images[..., 0], maps, strict=True)
        return np.stack([delete_one(image, heat, count) for image, heat in pairs])[..., None]

    return delete


def controls(images: np.ndarray, size: int = 5, seed: int = 0) -> dict[str, np.ndarray]:
    """Return maps that know nothing of a model, name -> (n, height, width).

    "random pixels", of all; "random stroke pixels", those with ink above a half before all others;
    "inkiest window", a square that grows around the one with the most ink.

    Args:
        images: shape (n, height, width, 1), 0 is background.
        size: side of the window in pixels, odd; size^2 deleted pixels are this window.
        seed: of the random ones.

    Raises:
        ValueError: an even size.
    """
    ink, random = images[..., 0], np.random.default_rng(seed)
    lots = random.random((2, *ink.shape))
    return {
        "random pixels": lots[0],
        "random stroke pixels": lots[1] + (ink > STROKE),
        "inkiest window": -_rings(ink, size),
    }


def _rings(ink: np.ndarray, size: int) -> np.ndarray:
    """Return how far each pixel is from the middle of the inkiest window: 0, 1, 2, ... rings."""
    if size % 2 == 0:
        raise ValueError(f"size must be odd, so that the window has a middle. Received: {size}")
    height, width = ink.shape[1:]
    windows = np.lib.stride_tricks.sliding_window_view(ink, (size, size), axis=(1, 2))
    sums = windows.sum(axis=(3, 4))
    best = sums.reshape(len(ink), -1).argmax(axis=1)
    rows, columns = np.array(np.unravel_index(best, sums.shape[1:])) + size // 2
    down = np.abs(np.arange(height) - rows[:, None])
    right = np.abs(np.arange(width) - columns[:, None])
    return np.maximum(down[:, :, None], right[:, None, :])


def deletion_curves(
    judge: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    maps: Mapping[str, np.ndarray],
    counts: Sequence[int],
    delete: Delete = delete,
) -> dict[str, np.ndarray]:
    """Return what a judge says of each image after each deletion, name -> (counts, n).

    The lower, the more the deleted pixels mattered. Compare two rows of two names in pairs, image
    by image: `labkit.maths.intervals.compare`.

    Args:
        judge: images -> one number each, (n,): the chance of the true class, or whether it is seen.
        images: shape (n, height, width, channels).
        maps: name -> a number for each pixel, shape (n, height, width).
        counts: pixels to delete.
        delete: takes images, maps and a count; what the learner wrote has its place here, by
            `one_by_one`.
    """
    return {
        name: np.stack([judge(delete(images, each, count)) for count in counts])
        for name, each in maps.items()
    }
