"""Which weights go, that they stay away, and what zeros save: bytes where packed, time nowhere."""

import numpy as np
import pytest
from scipy import sparse

from labkit.datacenter.smaller import pruning
from labkit.datacenter.smaller.quantization import run_float


def make_layers(widths=(40, 30, 10), seed=0):
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(k, n)) / np.sqrt(k), rng.normal(size=n))
        for k, n in zip(widths, widths[1:])  # noqa: B905, RUF007
    ]


KERNELS = [weights for weights, _ in make_layers()]


# --- which weights go ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.93, 1])
@pytest.mark.parametrize("per_layer", [False, True])
def test_exactly_the_smallest_go(share, per_layer):
    stays = pruning.masks(KERNELS, share, per_layer)
    groups = zip(KERNELS, stays, strict=True)
    if not per_layer:
        groups = [(np.concatenate([k.ravel() for k in KERNELS]),
                   np.concatenate([m.ravel() for m in stays]))]  # fmt: skip
    for weights, mask in groups:
        sizes = np.abs(weights)
        assert (~mask).sum() == round(share * weights.size)
        if 0 < share < 1:
            assert sizes[~mask].max() <= sizes[mask].min()


def test_equal_weights_still_give_the_exact_number():
    assert sum((~mask).sum() for mask in pruning.masks([np.ones((3, 3)), np.ones(3)], 0.5)) == 6


def test_a_global_choice_spares_the_layer_with_large_weights():
    kernels = [np.full((10, 10), 0.1), np.full((10, 10), 2.0)]
    assert [m.mean() for m in pruning.masks(kernels, 0.5)] == [0, 1]
    assert [m.mean() for m in pruning.masks(kernels, 0.5, per_layer=True)] == [0.5, 0.5]


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


def test_units_that_do_nothing_go_without_a_trace():
    (into, biases), (out, last) = make_layers()
    out[::2] = 0
    x = np.random.default_rng(2).normal(size=(50, 40))
    smaller = pruning.drop_units([(into, biases), (out, last)], 0.5)
    assert [w.shape for w, _ in smaller] == [(40, 15), (15, 10)]
    np.testing.assert_allclose(
        run_float(smaller, x), run_float([(into, biases), (out, last)], x), atol=1e-5
    )


def test_a_unit_always_stays():
    assert pruning.drop_units(make_layers(), 0.999)[0][0].shape == (40, 1)
    with pytest.raises(ValueError, match="share must lie"):
        pruning.drop_units(make_layers(), 1)


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


def test_bytes_in_csr_are_those_of_scipy():
    matrix = sparse.csr_array(pruning.prune(make_layers(), 0.7)[0][0].astype(np.float32).T)
    held = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    assert pruning.csr_bytes(matrix.shape[0], matrix.nnz) == held


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
