"""What captions of lesson 26 say of what came, whatever came."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labkit.explore import figures, privacy_pictures


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ([], "none of 4 images of the batch came out exactly;"),
        ([2], "1 of 4 images of the batch came out exactly (the first one);"),
        ([0, 2], "2 of 4 images of the batch came out exactly (the first ones);"),
    ],
)
def test_the_caption_counts_what_came_out_of_a_batch(monkeypatch, taken, told):
    captions = []
    monkeypatch.setattr(figures, "show", lambda fig, alt: captions.append(alt) or plt.close(fig))
    images = np.random.default_rng(0).random((4, 9))
    off = np.abs(images[:, None] - images).max(axis=-1)
    privacy_pictures.leaks(images, images, off, np.array(taken, int))
    assert told in captions[0]
