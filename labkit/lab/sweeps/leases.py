"""Who runs what now, so that several drivers share one results folder.

A lease is a lock on a file beside the run's folder. It tells two drivers apart in one process too,
and the system frees it in the moment in which its process ends, however that ends.
"""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

_NAME = ".lock-"


class Leases:
    """The leases of one driver on the runs of a lesson."""

    def __init__(self, place: Path):
        self._place = place
        self._held: dict[str, FileLock] = {}

    def take(self, run_id: str) -> bool:
        """Take a run; return False when another driver has it.

        Raises:
            OSError: the disk is full, or the folder cannot be written.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as place:
        ...     mine, other = Leases(Path(place)), Leases(Path(place))
        ...     mine.take("aaa"), other.take("aaa")
        ...     mine.close()
        (True, False)
        """
        lock = FileLock(self._place / f"{_NAME}{run_id}", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return False
        self._held[run_id] = lock
        return True

    def give_back(self, run_id: str) -> None:
        """Give a run back, whether it ended or not."""
        lock = self._held.pop(run_id, None)
        if lock is not None:
            with suppress(OSError):  # who opened it meanwhile sees that it has no name any more
                Path(lock.lock_file).unlink()
            lock.release()

    def close(self) -> None:
        """Give all back, and remove what drivers left that were killed."""
        for run_id in list(self._held):
            self.give_back(run_id)
        for path in self._place.glob(f"{_NAME}*"):
            with suppress(OSError):
                run_id = path.name.removeprefix(_NAME)
                if self.take(run_id):
                    self.give_back(run_id)


class NoLeases(Leases):
    """In the place of `Leases` for shards, and on network file systems.

    Each run has one driver by agreement; a run that is going on all the same is waited for.
    """

    def take(self, run_id: str) -> bool:
        """Take a run."""
        return True

    def close(self) -> None:
        """Nothing was taken."""
