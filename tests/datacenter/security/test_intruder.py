"""What lesson 26's intruder finds at the door of a running server."""

import numpy as np
import pytest

from labkit.datacenter.network import Network
from labkit.datacenter.security.intruder import ROLES, Attempt, intrude

pytest.importorskip("fastapi")


def test_the_door_answers_by_role_and_the_log_tells_of_it():
    network = Network((4, 3, 2))
    model = [array for layer in network.layers(network.start(0)) for array in layer]
    doings = ["look", "predict", "read the log"]
    attempts = [Attempt(who, does) for who in [*ROLES, "nobody"] for does in doings]
    attempts.append(Attempt("ward", "read the log", "x-role: admin"))
    found = intrude(model, attempts, np.ones(4, np.float32), flood=40, rate=1.0, burst=6)
    status = [each.status for each in found.attempts]
    assert status[:3] == [200, 403, 403]  # viewer
    assert status[3:6] == [200, 200, 403]  # ward
    assert status[6:9] == [200, 200, 200]  # chief
    assert status[9:12] == [401, 401, 401]
    assert status[12] == 403
    assert {200, 429} == set(found.flood)
    assert float(found.wait) > 0
    assert found.kept == len(found.log)
    assert [line["status"] for line in found.log[: len(attempts)]] == status
    assert "does not follow" in found.forged
    assert not found.leaked
