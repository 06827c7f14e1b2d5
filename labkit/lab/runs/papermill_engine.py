"""The door through which papermill finds the lab's engine: `papermill --engine labkit`.

papermill loads this while it is being imported itself, so the engine, which imports papermill,
waits until it is used.
"""


class LazyEngine:
    """Stands for `labkit.lab.runs.engine.LabkitEngine` and imports it when it is first used."""

    def __getattr__(self, name: str):
        from labkit.lab.runs.engine import LabkitEngine

        return getattr(LabkitEngine, name)


engine = LazyEngine()
