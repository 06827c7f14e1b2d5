"""Which weights go, that they stay away, and what zeros save: bytes where packed, time nowhere."""

import numpy as np
import pytest

from labkit.datacenter.smaller import pruning


def make_layers(widths=(40, 30, 10), seed=0):
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(k, n)) / np.sqrt(k), rng.normal(size=n))
        for k, n in zip(widths, widths[1:])  # noqa: B905, RUF007
    ]


KERNELS = [weights for weights, _ in make_layers()]


# --- which weights go ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.93, 1])
def test_exactly_the_smallest_go(share):
    stays = np.concatenate([mask.ravel() for mask in pruning.masks(KERNELS, share)])
    sizes = np.abs(np.concatenate([kernel.ravel() for kernel in KERNELS]))
    assert (~stays).sum() == round(share * sizes.size)
    if 0 < share < 1:
        assert sizes[~stays].max() <= sizes[stays].min()


def test_equal_weights_still_give_the_exact_number():
    assert sum((~mask).sum() for mask in pruning.masks([np.ones((3, 3)), np.ones(3)], 0.5)) == 6


def test_a_global_choice_spares_the_layer_with_large_weights():
    kernels = [np.full((10, 10), 0.1), np.full((10, 10), 2.0)]
    assert [m.mean() for m in pruning.masks(kernels, 0.5)] == [0, 1]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_outside_are_refused(share):
    with pytest.raises(ValueError, match="share must lie"):
        pruning.masks(KERNELS, share)


def test_pruned_layers_keep_shapes_and_biases():
    layers = make_layers()
    pruned = pruning.prune(layers, 0.9)
    assert pruning.share_of_zeros([w for w, _ in pruned]) == pytest.approx(0.9)
    for (_, before), (_, after) in zip(layers, pruned, strict=True):
        np.testing.assert_array_equal(before, after)


# --- bytes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_gzip_comes_near_what_theory_says_of_random_bytes(share):
    rng = np.random.default_rng(0)
    values = rng.integers(1, 256, 200_000, dtype=np.uint8) * (rng.random(200_000) >= share)
    model = pruning.packed_bytes(200_000, share, bits=8)
    assert 0.98 * model < pruning.gzip_in_bytes([values.astype(np.uint8)]) < 1.5 * model


def test_zeros_save_bytes_only_where_they_are_packed():
    layers = make_layers((300, 200, 10))
    pruned = pruning.prune(layers, 0.9)
    before, after = ([np.float32(a) for layer in each for a in layer] for each in (layers, pruned))
    assert sum(a.nbytes for a in before) == sum(a.nbytes for a in after)
    assert pruning.gzip_in_bytes(after) < 0.25 * pruning.gzip_in_bytes(before)


# --- time ---------------------------------------------------------------------------------------


def test_both_products_are_the_same_product():
    weights = np.float32(make_layers()[0][0]) * pruning.masks([make_layers()[0][0]], 0.6)[0]
    for batch in (1, 7):
        dense = pruning._dense_product(weights, batch)()
        csr = pruning._csr_product(weights, batch)()
        np.testing.assert_allclose(csr.T.reshape(batch, -1), dense, rtol=1e-4, atol=1e-5)


def test_crossings_of_times_made_by_the_model_are_found():
    shares = np.linspace(0, 1, 21)
    found = [pruning.SparseTime(s, 1, 1.0, 5.0 * (1 - s)) for s in shares]
    assert pruning.modeled_crossing(found, 1) == pytest.approx(0.8)
    assert pruning.crossing(found, 1) == pytest.approx(0.8)
    assert pruning.crossing([pruning.SparseTime(s, 1, 9.0, 5.0) for s in shares], 1) == 0
    assert pruning.crossing([pruning.SparseTime(s, 1, 1.0, 5.0) for s in shares], 1) == 1


@pytest.mark.slow
def test_zeros_make_a_dense_product_no_faster_and_csr_faster_only_when_there_are_many():
    found = pruning.measure_sparse(shares=(0.0, 0.5, 0.98), batches=(64,), seconds=1.0)
    whole, half, most = found
    assert 0.6 < most.dense / whole.dense < 1.7
    assert half.csr > half.dense
    assert most.csr < 0.25 * whole.csr
    assert 0.5 < pruning.crossing(found, 64) < 1


@pytest.mark.slow
@pytest.mark.parametrize("how", ["keras", "labkit"])
def test_pruned_weights_stay_zero_while_the_others_learn(how):
    from labkit.networks.backend import keras
    from labkit.networks.models import small_cnn
    from labkit.networks.training import fit

    model = small_cnn()
    before = model.get_weights()
    pruned = pruning.prune_model(model, 0.5)
    held = [np.asarray(kernel).copy() for kernel in pruning.kernels(pruned)]
    pruned.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)
    y = np.arange(64) % 10
    train = pruned.fit if how == "keras" else lambda *a, **k: fit(pruned, *a, **k)
    train(x, y, epochs=1, batch_size=16, verbose=0)
    assert pruning.share_of_zeros(held) == pytest.approx(0.5, abs=1e-5)
    for old, new in zip(held, pruning.kernels(pruned), strict=True):
        new = np.asarray(new)
        assert np.all(new[old == 0] == 0)
        moved = new[old != 0] != old[old != 0]
        assert moved.mean() > 0.5  # those behind a unit that is never on have no gradient
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
