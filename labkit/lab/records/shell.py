"""The notebook that this process is the kernel of, if it is one."""

import os
import sys


def shell():
    """Return the notebook's IPython shell, or None in a plain Python process."""
    if "IPython" not in sys.modules:
        return None
    found = sys.modules["IPython"].get_ipython()
    return found if found is not None and hasattr(found, "kernel") else None


def in_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook."""
    return shell() is not None


def is_headless() -> bool:
    """Return whether a runner runs this lesson and keeps its record."""
    return bool(os.environ.get("LABKIT_HEADLESS"))
