"""Training on a GPU, as `benchmarks/gpu.py` measured and kept it: one row a training.

No GPU is needed to read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.data.packaged import DataError, own_path

if TYPE_CHECKING:
    import pandas as pd

FILE = "gpu_runs.csv"
TEXTS = ("date", "card", "driver", "python", "frameworks", "command", "network", "way", "precision")
COUNTS = ("batch", "epochs", "examples")
MEASURES = (
    *("steps_per_second", "examples_per_second", "first_epoch_seconds", "seconds"),
    *("peak_fraction", "bandwidth_fraction", "loss", "score"),
)
COLUMNS = (*TEXTS, *COUNTS, *MEASURES)


def gpu_runs() -> pd.DataFrame:
    """Return the kept runs, oldest first; no rows but all columns while there are none.

    `data/README.md` says what each column holds.

    Raises:
        DataError: the file is missing, lacks a column, or holds a text where a number belongs;
            the message says how to repair it.

    >>> gpu_runs()["peak_fraction"].dtype
    dtype('float64')
    """
    import pandas as pd  # half a second, only paid by who needs a table

    path = own_path("kept GPU runs", FILE)
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, "string"))[list(COLUMNS)]
        return table.astype(dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(MEASURES, "float64"))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"kept GPU runs: {path} is damaged: {error}. It needs the columns "
            f"{', '.join(COLUMNS)}, with numbers from batch on. Restore it (git checkout data)."
        ) from error
