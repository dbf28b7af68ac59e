"""How a run is written, as one value."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from srft.config import RecordingConfig
from srft.run_directory.files import Files
from srft.run_directory.process import ProcessIdentity
from srft.run_directory.segments import DEFAULT_SEGMENT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterOptions:
    """How a run is written."""

    steps: int
    """Steps the run is to have."""
    seed: int
    """Chooses the groups that keep their tokens beyond `recording.max_gb`."""
    recording: RecordingConfig = field(default_factory=RecordingConfig)
    segment_bytes: int = DEFAULT_SEGMENT_BYTES
    """A segment that would grow beyond it is followed by a new one."""
    files: Files = field(default_factory=Files)
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""
    identity: ProcessIdentity | None = None
    """None: this process."""
