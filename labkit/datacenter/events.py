"""Simulated time: one clock, and one heap of what happens next.

A simulated second costs nothing, and nothing else that the machine does can lengthen it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any


class Events:
    """A clock that jumps from event to event.

    Attributes:
        now: simulated seconds.

    >>> events, seen = Events(), []
    >>> events.at(2.0, seen.append, "second")
    >>> events.at(1.0, seen.append, "first")
    >>> events.run()
    >>> seen, events.now
    (['first', 'second'], 2.0)
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple] = []
        self._order = 0  # of two events at one moment, the one planned earlier comes first

    def at(self, time: float, action: Callable, *args: Any) -> None:
        """Let `action(*args)` happen at a time, now or later.

        Raises:
            ValueError: that time is over, or is no number.
        """
        if not time >= self.now:
            raise ValueError(f"an event can be planned from now ({self.now:g} s) on, not {time} s")
        self._order += 1
        heapq.heappush(self._heap, (time, self._order, action, args))

    def after(self, seconds: float, action: Callable, *args: Any) -> None:
        """Let `action(*args)` happen so many seconds from now."""
        self.at(self.now + seconds, action, *args)

    def run(self, until: float = math.inf) -> None:
        """Let all happen that is planned, and what that plans, up to a time."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, action, args = heapq.heappop(heap)
            action(*args)
