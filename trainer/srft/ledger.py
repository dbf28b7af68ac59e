"""Where the seconds of a step go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator

PARTS = ("generate", "logprob", "reward", "train", "record", "evaluate", "checkpoint")


class Ledger:
    """The time since the step event before, by part; what no part claims is `other`, so the parts sum to the step."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin a new step."""
        self._begin = time.perf_counter()
        self._seconds = dict.fromkeys(PARTS, 0.0)

    def leave_out(self, seconds: float) -> None:
        """Count the last so many seconds for nothing: the run was paused."""
        self._begin += seconds

    @contextlib.contextmanager
    def part(self, name: str) -> Generator[None, None, None]:
        """Book the block under `name`; a part inside a part is taken out of the outer one."""
        begin = time.perf_counter()
        inner_before = sum(self._seconds.values())
        try:
            yield
        finally:
            inner = sum(self._seconds.values()) - inner_before
            self._seconds[name] += time.perf_counter() - begin - inner

    def seconds(self) -> dict[str, float]:
        """`seconds/<part>`, `seconds/other` and `seconds/step`, which is their sum."""
        total = time.perf_counter() - self._begin
        parts = dict(self._seconds)
        parts["other"] = max(0.0, total - sum(parts.values()))
        return {f"seconds/{name}": value for name, value in parts.items()} | {"seconds/step": sum(parts.values())}
