"""`test_fit_is_keras_fit.py` on JAX, in a process of its own: each case there that differs by it.

By hand: KERAS_BACKEND=jax python -m pytest -m "" tests/networks/test_fit_is_keras_fit.py
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = "tests/networks/test_fit_is_keras_fit.py"
# These differ by TensorFlow's kernel alone, or by layers that others have as well.
NOT_HERE = (
    "lstm_in_two_parts lstm_of_another_kind lstm_with_an_own_sigmoid lstm_with_an_own_tanh "
    "lstm_with_a_mask lstm_with_dropout stateful_cells stateful_without_a_batch_size attention "
    "truth_values subclassed whole_numbers one_large_batch names_in_and_out an_own_loss "
    "own_get_metrics_result"
)
QUICKLY = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="needs JAX")
def test_fit_is_keras_fit_on_jax():
    names = re.findall(r"^@case.*\ndef (\w+)", (ROOT / CASES).read_text(), re.MULTILINE)
    left_out = [f"--deselect={CASES}::test_fit_is_keras_fit[{n}]" for n in NOT_HERE.split()]
    settings = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICKLY}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, CASES, *left_out],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert len(names) - len(NOT_HERE.split()) >= 60
