"""What the articles cite, and what the cited works really are: data/references.csv.

The columns `stated_title`, `stated_authors` (family names) and `stated_year` are the articles';
`title`, `authors`, `year`, `number` and `source` are quoted, each from the source it names. Nothing
here was downloaded: `labkit` works offline.
"""

import csv
import os
import subprocess
import sys
from importlib.metadata import metadata, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from labkit.lab.places import home

COLUMNS = ["id", "stated_title", "stated_authors", "stated_year"]
COLUMNS += ["title", "authors", "year", "number", "source"]

# What public files that cite the arXiv id 1906.02666 say that it is (quoted, one title a file).
SAID_OF_ONE_ID = [
    "The SuperGLUE Evaluation Benchmark for Composite Language Understanding Tasks",
    "AutoML: A survey of the state-of-the-art",
    "Neural Architecture Search for Model Compression",
    "Zero-shot learning: overview and recent progress",
    "Neural Architecture Search: A Survey",
]


def read_references() -> list[dict[str, str]]:
    """Return the references, all cells as text, in the order of their claims.

    >>> next(row["title"] for row in read_references() if row["id"] == "B2-REF-01")
    'Attention Is All You Need'
    """
    with references_path().open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def references_path() -> Path:
    """Return where the references are: beside the ledger.

    >>> references_path().name
    'references.csv'
    """
    return home() / "data" / "references.csv"


def names(text: str) -> list[str]:
    """Return the names of a cell.

    >>> names("Tan; Le"), names("")
    (['Tan', 'Le'], [])
    """
    return [name.strip() for name in text.split(";") if name.strip()]


# --- what installed software says of itself -------------------------------------------------------


def summary_of(module: str) -> str:
    """Return how the installed package that holds a module describes itself, "" if there is none.

    >>> summary_of("numpy")
    'Fundamental package for array computing in Python'
    """
    holders = packages_distributions().get(module, [])
    return metadata(holders[0])["Summary"] if holders else ""


def keras_engines() -> list[str]:
    """Return the engines that the installed Keras has code for, without importing it.

    >>> "tensorflow" in keras_engines()
    True
    """
    backends = Path(find_spec("keras").origin).parent / "src" / "backend"
    return sorted(path.name for path in backends.iterdir() if (path / "trainer.py").is_file())


def keras_starts_with(backend: str) -> bool:
    """Return whether Keras can be imported, in a process of its own, with this backend."""
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, "-c", "import keras"]
    return not subprocess.run(command, env=environment, capture_output=True).returncode
