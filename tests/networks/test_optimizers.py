"""Keras' optimizers beside labkit's, as lesson 01 shows them."""

import pytest

from labkit.maths.descent import SURFACES, descend
from labkit.networks import optimizers


@pytest.mark.slow
def test_keras_walks_as_labkit_does_up_to_its_single_precision():
    apart = optimizers.differences_from_keras(SURFACES["rotated"], 0.01, steps=30)
    assert set(apart) == set(optimizers.NAMES)
    assert max(apart.values()) < 1e-5
    # Far less than one step: another rule would be seen.
    moved = descend("rotated", "adam", 0.01, steps=30)
    assert abs(moved[30] - moved[29]).max() > 1e-3
