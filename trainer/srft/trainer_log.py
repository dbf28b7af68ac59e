"""`trainer.log`: what the trainer says, kept for people. A disk that refuses it stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


class TrainerLog:
    """Says everything once more, into a file; a context manager that closes it."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._say = say
        self._file = path.open("a", encoding="utf-8")
        self._refused = False

    def __call__(self, text: str) -> None:
        """Say a line."""
        self._say(text)
        try:
            self._file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")
            self._file.flush()
        except OSError as error:
            if not self._refused:
                self._say(f"trainer.log cannot be written ({error.strerror}); the run goes on without it")
            self._refused = True

    def __enter__(self) -> TrainerLog:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._say(f"trainer.log cannot be closed ({error.strerror})")
