"""Federated learning against central training and against loops that take one client at a time."""

import numpy as np
import pytest

from labkit.datacenter.network import Images, Network, small_digits
from labkit.datacenter.privacy import federated
from labkit.datacenter.privacy.federated import deal, federate, raw_bytes, train_locally

NETWORK = Network((196, 8, 10))
SIZES = [40, 7, 250, 103]  # of clients, as unequal as hospitals


@pytest.fixture(scope="module")
def images():
    train = small_digits().train
    return Images(train.x[:400].astype(float), train.y[:400])


def last(*rounds):
    return rounds[-1].w


# --- FedSGD and FedAvg ----------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [np.inf, 0.1])
def test_fedsgd_is_the_central_step_also_with_unequal_clients(images, alpha):
    w = NETWORK.start(0, "float64")
    clients = deal(images.y, SIZES, alpha)
    found = federate(NETWORK, w, images, clients, 0.5, rounds=15, batch_size=None)
    for each in found:
        w = w - 0.5 * NETWORK.gradient(w, images.x, images.y)
        np.testing.assert_allclose(each.w, w, rtol=0, atol=1e-13)


def test_the_mean_without_weights_is_another_step(images):
    w, clients = NETWORK.start(0, "float64"), deal(images.y, SIZES, 0.1)
    plain = last(
        *federate(
            *(NETWORK, w, images, clients, 0.5, 1),
            batch_size=None,
            average=lambda w, _: w.mean(axis=-2),
        )
    )
    central = w - 0.5 * NETWORK.gradient(w, images.x, images.y)
    assert np.abs(plain - central).max() > 1e-3


def test_fedavg_equals_a_loop_over_clients(images):
    w, clients = NETWORK.start(0, "float64"), deal(images.y, SIZES, 0.5)
    ours = last(*federate(NETWORK, w, images, clients, 0.3, rounds=3, epochs=4, batch_size=None))
    for _ in range(3):
        total = np.zeros_like(w)
        for rows in clients:
            own = w
            for _ in range(4):
                own = own - 0.3 * NETWORK.gradient(own, images.x[rows], images.y[rows])
            total += own * len(rows) / sum(SIZES)
        w = total
    np.testing.assert_allclose(ours, w, rtol=0, atol=1e-13)


def test_a_small_client_takes_its_own_steps_and_then_waits():
    """Copies of one image make the order of batches irrelevant: only the number of steps counts."""
    random = np.random.default_rng(0)
    x = np.repeat(random.random((2, 196)), [10, 3], axis=0)
    images = Images(x, np.repeat([4, 9], [10, 3]))
    w = NETWORK.start(0, "float64")
    clients = [np.arange(10), np.arange(10, 13)]
    ours = train_locally(NETWORK, w, images, clients, 0.2, epochs=2, batch_size=4)
    for own, rows, steps in zip(ours, clients, (6, 2), strict=True):  # 2 x ceil(10 / 4), ceil(3/4)
        expected = w
        for _ in range(steps):
            expected = expected - 0.2 * NETWORK.gradient(
                expected, images.x[rows[:1]], images.y[rows[:1]]
            )
        np.testing.assert_allclose(own, expected, rtol=0, atol=1e-13)


def test_an_epoch_shows_each_example_once_in_an_order_of_its_own():
    clients = [np.arange(10), np.arange(50, 53)]
    batches = federated._batches(clients, 3, 4, np.random.default_rng(0))
    for client, rows in enumerate(clients):
        seen = batches[:, client][batches[:, client] >= 0].reshape(3, len(rows))
        assert (np.sort(seen, axis=1) == rows).all()
    assert len(np.unique(batches[:, 0][batches[:, 0] >= 0].reshape(3, 10), axis=0)) == 3


def test_a_stack_of_learning_rates_gives_what_each_gives_alone(images):
    clients, w = deal(images.y, SIZES, 0.5), NETWORK.start(0, "float64")
    rates = [0.1, 0.4]
    together = last(*federate(NETWORK, np.tile(w, (2, 1)), images, clients, rates, 2, epochs=2))
    for rate, ours in zip(rates, together, strict=True):
        alone = last(*federate(NETWORK, w, images, clients, rate, 2, epochs=2))
        np.testing.assert_allclose(ours, alone, rtol=0, atol=1e-13)


def test_more_local_work_helps_and_skewed_clients_hurt():
    parts = [small_digits(seed) for seed in range(2)]
    sizes = [200, 400, 600, 800, 1000]

    def accuracy(alpha, epochs):
        options = {"rounds": 4, "epochs": epochs, "rates": (0.4, 0.8), "network": NETWORK}
        return federated.tune(parts, sizes, alpha, **options).test.mean()

    assert accuracy(np.inf, 1) > accuracy(0.05, 1) + 0.05
    assert accuracy(np.inf, 5) > accuracy(np.inf, 1) + 0.02


# --- bytes ----------------------------------------------------------------------------------------


def test_a_round_moves_the_weights_to_each_client_and_back(images):
    w = NETWORK.start(0)
    clients = deal(images.y, SIZES)
    (one,) = federate(NETWORK, w, images, clients, 0.1, 1)
    assert one.size_in_bytes == 2 * 4 * w.nbytes


def test_raw_data_are_a_byte_a_pixel_and_a_label():
    assert raw_bytes(small_digits().train) == 3000 * 14 * 14 + 3000


# --- dealing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [np.inf, 1, 0.01])
def test_dealt_rows_have_the_sizes_asked_for_and_no_row_twice(alpha):
    labels = np.repeat(np.arange(10), 40)
    dealt = deal(labels, SIZES, alpha, seed=3)
    assert [len(rows) for rows in dealt] == SIZES
    assert (np.sort(np.concatenate(dealt)) == np.arange(400)).all()
    assert all(
        (a == b).all() for a, b in zip(dealt, deal(labels, SIZES, alpha, seed=3), strict=True)
    )


def test_class_shares_vary_as_a_dirichlet_says():
    """Var(share) = (1/K)(1 - 1/K) / (K alpha + 1), and the draw of n examples adds its own."""
    labels, n, k = np.repeat(np.arange(4), 100_000), 200, 4
    for alpha in (0.2, 2.0):
        rows = np.array(deal(labels, [n] * 300, alpha, seed=1))
        shares = np.stack([(labels[rows] == c).mean(axis=1) for c in range(k)], axis=1)
        dirichlet = (1 / k) * (1 - 1 / k) / (k * alpha + 1)
        expected = dirichlet + ((1 / k) * (1 - 1 / k) - dirichlet) / n
        assert shares.var() == pytest.approx(expected, rel=0.15)


def test_errors_name_what_came():
    labels = np.arange(10)
    with pytest.raises(ValueError, match=r"at most 10.*\[6, 5\]"):
        deal(labels, [6, 5])
    with pytest.raises(ValueError, match=r"from 1 on.*\[0, 5\]"):
        deal(labels, [0, 5])
    with pytest.raises(ValueError, match=r"alpha must be above 0.*0"):
        deal(labels, [5, 5], alpha=0)
