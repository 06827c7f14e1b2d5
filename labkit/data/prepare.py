"""Change data before training: scale features; shift, rotate, augment images. NumPy only.

Cleaning is in `clean`, splitting in `split`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

BLOCK = 1000  # images turned at a time: the coordinates of 60,000 would not fit any cache


def fit_scale(rows: ArrayLike, kind: str = "standard") -> tuple[np.ndarray, np.ndarray]:
    """Return the shift and the width of each feature, learned from these rows alone.

    Learn them from training rows, then `scale` training and test with the same two.

    Args:
        rows: shape (n, features), n at least 1.
        kind: "standard" (z-score: mean and standard deviation) or "min-max" (lowest value and
            range, so that the rows lie in [0, 1]). A constant feature gets width 1.

    Raises:
        ValueError: an unknown kind, or rows that are not (n, features).

    >>> shift, width = fit_scale([[1.0, 5.0], [3.0, 5.0]])
    >>> shift.tolist(), width.tolist()
    ([2.0, 5.0], [1.0, 1.0])
    """
    rows = np.asarray(rows, dtype=float)
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"rows must have shape (n, features), n at least 1; got {rows.shape}")
    if kind == "standard":
        shift, width = rows.mean(axis=0), rows.std(axis=0)
    elif kind == "min-max":
        shift, width = rows.min(axis=0), np.ptp(rows, axis=0)
    else:
        raise ValueError(f"kind must be 'standard' or 'min-max'; got {kind!r}")
    return shift, np.where(width == 0, 1.0, width)


def scale(rows: ArrayLike, shift: ArrayLike, width: ArrayLike) -> np.ndarray:
    """Return (rows - shift) / width for each feature.

    Args:
        rows: shape (n, features).
        shift: shape (features,), from `fit_scale`.
        width: shape (features,), from `fit_scale`.

    Raises:
        ValueError: shapes that do not fit; NumPy would stretch some of them silently.

    >>> scale([[4.0, 5.0]], shift=[2.0, 5.0], width=[1.0, 1.0]).tolist()
    [[2.0, 0.0]]
    """
    rows, shift, width = (np.asarray(each, dtype=float) for each in (rows, shift, width))
    if rows.ndim != 2 or shift.shape != rows.shape[1:] or width.shape != rows.shape[1:]:
        raise ValueError(
            "rows must have shape (n, features), shift and width (features,). "
            f"Received: {rows.shape}, {shift.shape}, {width.shape}"
        )
    return (rows - shift) / width


def shift(images: np.ndarray, down: ArrayLike, right: ArrayLike) -> np.ndarray:
    """Return the images moved by whole pixels; what comes in at the edges is 0.

    Args:
        images: shape (n, height, width, channels).
        down: pixels to move down, negative is up; one integer for all or one per image.
        right: pixels to move right, negative is left; one integer for all or one per image.

    Raises:
        ValueError: the images are not four-dimensional, or `down`/`right` have another length.
        TypeError: a shift that is not a whole number.

    >>> image = np.array([[1, 2], [3, 4]], dtype=np.float32).reshape(1, 2, 2, 1)
    >>> shift(image, down=0, right=1)[0, :, :, 0].tolist()
    [[0.0, 1.0], [0.0, 3.0]]
    """
    down, right = _per_image(images, "down", down), _per_image(images, "right", right)
    for name, values in (("down", down), ("right", right)):
        if values.dtype.kind not in "iu":
            raise TypeError(f"{name} must be whole pixels (integers). Received: {values[:5]}")
    _, height, width, _ = images.shape
    rows = np.arange(height) - down[:, None]  # (n, height): the row each output row comes from
    columns = np.arange(width) - right[:, None]  # (n, width)
    return _take(images, rows[:, :, None], columns[:, None, :])


def halve(images: np.ndarray) -> np.ndarray:
    """Return rows of pixels at half the resolution: the means of 2 x 2 pixels.

    Args:
        images: shape (n, height, width, channels), height and width even.

    Returns:
        Shape (n, height / 2 * width / 2 * channels).

    >>> halve(np.arange(16.0).reshape(1, 4, 4, 1)).tolist()
    [[2.5, 4.5, 10.5, 12.5]]
    """
    n, height, width, channels = images.shape
    parts = images.reshape(n, height // 2, 2, width // 2, 2, channels)
    return parts.mean(axis=(2, 4)).reshape(n, -1)


def rotate(images: np.ndarray, degrees: ArrayLike) -> np.ndarray:
    """Return the images turned about their center, counter-clockwise as one looks at them.

    Each output pixel is interpolated bilinearly between the four input pixels around the point
    it comes from; points outside the image count as 0.

    Args:
        images: shape (n, height, width, channels).
        degrees: one angle for all or one per image.

    Raises:
        ValueError: the images are not four-dimensional, or `degrees` has another length.

    >>> image = np.array([[1, 2], [3, 4]], dtype=np.float32).reshape(1, 2, 2, 1)
    >>> rotate(image, 90)[0, :, :, 0].round(3).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    angles = np.deg2rad(_per_image(images, "degrees", degrees).astype(np.float64))
    turned = np.empty_like(images, dtype=np.result_type(images, np.float32))
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        turned[block] = _rotate_block(images[block], angles[block, None, None])
    return turned


def _rotate_block(images: np.ndarray, angle: np.ndarray) -> np.ndarray:
    _, height, width, _ = images.shape
    y = (np.arange(height) - (height - 1) / 2)[:, None]  # rows count downwards
    x = (np.arange(width) - (width - 1) / 2)[None, :]
    # Where each output pixel comes from: the inverse rotation, (n, height, width).
    rows = np.cos(angle) * y + np.sin(angle) * x + (height - 1) / 2
    columns = np.cos(angle) * x - np.sin(angle) * y + (width - 1) / 2
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    low = (rows - top)[..., None].astype(np.float32)  # weight of the lower neighbors
    far = (columns - left)[..., None].astype(np.float32)  # weight of the right neighbors
    upper = _take(images, top, left) * (1 - far) + _take(images, top, left + 1) * far
    lower = _take(images, top + 1, left) * (1 - far) + _take(images, top + 1, left + 1) * far
    return upper * (1 - low) + lower * low


def augment(
    images: np.ndarray,
    shift_pixels: int = 2,
    rotation_degrees: float = 10.0,
    horizontal_flip: bool = False,
    vertical_flip: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """Return the images, each changed at random; labels stay valid only if the change keeps them.

    Args:
        images: shape (n, height, width, channels).
        shift_pixels: each image moves by a whole number of pixels in -shift_pixels to
            shift_pixels, both ways independently.
        rotation_degrees: each image turns by an angle in -rotation_degrees to rotation_degrees.
        horizontal_flip: mirror a random half of the images left to right. A mirrored 2 is no 2.
        vertical_flip: mirror a random half of the images top to bottom.
        seed: the same seed makes the same changes.

    Raises:
        ValueError: a negative range, or images that are not four-dimensional.

    Lesson: 11_convolution.

    >>> images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    >>> augment(images, seed=1).shape
    (3, 28, 28, 1)
    """
    if shift_pixels < 0 or rotation_degrees < 0:
        raise ValueError(
            "shift_pixels and rotation_degrees are ranges and must be at least 0. Received: "
            f"shift_pixels={shift_pixels}, rotation_degrees={rotation_degrees}"
        )
    random = np.random.default_rng(seed)
    count = len(images)
    # Drawn in any case, so that one setting does not change what another one draws.
    angles = random.uniform(-1, 1, count) * rotation_degrees
    down, right = random.integers(-shift_pixels, shift_pixels + 1, (2, count))
    mirror, upend = random.random((2, count)) < 0.5
    if rotation_degrees:
        images = rotate(images, angles)
    if shift_pixels:
        images = shift(images, down, right)
    if horizontal_flip:
        images = np.where(mirror[:, None, None, None], images[:, :, ::-1], images)
    if vertical_flip:
        images = np.where(upend[:, None, None, None], images[:, ::-1], images)
    return images


def augment_many(images: np.ndarray, count: int, *args, seed: int = 0, **change) -> np.ndarray:
    """Return `count` changed versions of all images, one after the other.

    Args:
        images: shape (n, height, width, channels).
        count: versions of each.
        *args: as for `augment`.
        seed: of the first version; the next has the next seed.
        **change: as for `augment`.

    Returns:
        Shape (count * n, height, width, channels): first all in the first version.

    >>> augment_many(np.zeros((2, 4, 4, 1)), 3, shift_pixels=1).shape
    (6, 4, 4, 1)
    """
    return np.concatenate([augment(images, *args, seed=seed + k, **change) for k in range(count)])


def _per_image(images: np.ndarray, name: str, values: ArrayLike) -> np.ndarray:
    """Return one value per image."""
    if images.ndim != 4:
        raise ValueError(
            "images must have shape (n, height, width, channels). "
            f"Received: images of shape {images.shape}"
        )
    values = np.asarray(values)
    if values.shape not in ((), (len(images),)):
        raise ValueError(
            f"{name} must be one value or one per image ({len(images)}). "
            f"Received: shape {values.shape}"
        )
    return np.broadcast_to(values, len(images))


def _take(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return images[i, rows[i], columns[i]], and 0 where that lies outside the image."""
    _, height, width, _ = images.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = np.arange(len(images))[:, None, None]
    found = images[index, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return found * inside[..., None].astype(images.dtype)
