"""The explorer of zeros and bits shows what was measured, and says which kernel computes."""

import types

import numpy as np
import pytest

from labkit.datacenter.network import Images
from labkit.datacenter.smaller import pruning, quantization, tradeoff
from labkit.explore.smaller import SmallerExplorer

SHARES, BITS = (0.0, 0.5, 0.9), (32, 8, 4)
FOUND = {
    (share, bits): tradeoff.Shrunk(
        1000 * bits, round(900 * bits * (1.05 - share)), 800.0 * bits, share, 0.9 - share / 10
    )
    for share in SHARES
    for bits in BITS
}
WAYS = (tradeoff.NUMPY, tradeoff.SCIPY, tradeoff.RUNTIME, tradeoff.RUNTIME_INT8)
TIMES = {
    (how, share, batch): (place + 1) * 1e-6 * batch**0.5
    for place, how in enumerate(WAYS)
    for share in SHARES
    for batch in (1, 64)
}
WITHOUT_RUNTIME = {key: value for key, value in TIMES.items() if "ONNX" not in key[0]}
TUNED = {key: each._replace(accuracy=each.accuracy + 0.05) for key, each in FOUND.items()}


def test_it_starts_with_nothing_pruned_and_tells_nothing_of_what_pruning_does():
    explorer = SmallerExplorer(FOUND, TIMES, TUNED)
    assert explorer.params == {"pruned": 0.0, "bits": 32}
    artists = explorer._picture(explorer.params).moving
    assert len(artists["one_shot"].get_xdata()) == len(artists["tuned"].get_xdata()) == 1
    assert "0% of the weights are 0, float32: 32 kB in a file" in explorer.text
    assert "accuracy 0.900, fine-tuned 0.950 (0.900 at first)" in explorer.text


def test_dots_stand_where_it_was_measured():
    explorer = SmallerExplorer(FOUND, TIMES, pruned=0.9, bits=32)
    artists = explorer._picture(explorer.params).moving
    now = FOUND[0.9, 32]
    assert artists["file"].get_xdata() == [now.size_in_bytes / 1000]
    assert artists["gzip"].get_xdata() == [now.gzip_in_bytes / 1000]
    assert artists["model"].get_xdata() == [now.modeled_bytes / 1000]
    assert artists["one_shot"].get_ydata() == pytest.approx([0.9, 0.85, 0.81])
    assert artists["dense"].get_xdata() == pytest.approx([1, 1 / 8])  # NumPy, µs an image
    assert artists["csr"].get_xdata() == pytest.approx([2, 2 / 8])


def test_integers_have_a_kernel_of_their_own_where_there_is_one():
    explorer = SmallerExplorer(FOUND, TIMES, bits=8)
    artists = explorer._picture(explorer.params).moving
    assert artists["dense"].get_xdata() == pytest.approx([4, 4 / 8])
    assert len(artists["csr"].get_xdata()) == 0
    assert "takes them as 8" in SmallerExplorer(FOUND, TIMES, bits=4).text
    alone = SmallerExplorer(FOUND, WITHOUT_RUNTIME, bits=8)
    assert "turned back into float32" in alone.text
    assert alone._picture(alone.params).moving["dense"].get_xdata() == pytest.approx([1, 1 / 8])


def test_tables_that_do_not_fit_are_refused():
    some = {key: value for key, value in TIMES.items() if key[1] != 0.5}
    with pytest.raises(ValueError, match=r"times lacks the shares \[0.5\]"):
        SmallerExplorer(FOUND, some)
    with pytest.raises(ValueError, match="tuned lacks"):
        SmallerExplorer(FOUND, TIMES, {(0.0, 32): FOUND[0.0, 32]})


@pytest.mark.parametrize("times", [TIMES, WITHOUT_RUNTIME])
def test_a_walk_through_all_settings_finds_nothing_wrong(times):
    assert SmallerExplorer(FOUND, times, TUNED).walk() > 9


@pytest.mark.parametrize("bits", [32, 4])
def test_the_copied_code_makes_the_network_that_is_shown(bits):
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=pair), rng.normal(size=pair[1])) for pair in ((30, 20), (20, 5))]
    digits = types.SimpleNamespace(x_train=rng.random((600, 30)), x_test=rng.random((200, 30)))
    images = Images(digits.x_test, rng.integers(0, 5, 200))
    versions = {share: pruning.prune(layers, share) for share in SHARES}
    found = tradeoff.measure(versions, digits.x_train[:500], images)
    times = tradeoff.latencies(versions, digits.x_train[:50], seconds=0)
    explorer = SmallerExplorer(found, times, pruned=0.5, bits=bits)
    names = {"layers": layers, "digits": digits, "pruning": pruning, "quantization": quantization}
    exec(explorer.texts()["Copy as Python"], names)
    accuracy = float((names["scores"].argmax(axis=1) == images.y).mean())
    assert accuracy == found[0.5, bits].accuracy
