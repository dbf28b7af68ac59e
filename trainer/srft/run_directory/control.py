"""Requests of a person or the editor: small files in `control/`, looked at once a step."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import ValidationError

from srft.run_directory.errors import RunDirectoryError, cannot_write
from srft.run_directory.files import Files, patiently
from srft.run_directory.layout import Layout
from srft.wire import ControlEvent, ControlRequest

Outcome: TypeAlias = Literal["done", "refused", "discarded"]

LARGEST_REQUEST_BYTES = 64 * 1024
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that waits to be answered."""

    name: str
    """File name without `.json`."""
    path: Path
    request: ControlRequest

    @property
    def asked(self) -> str:
        """What is asked for."""
        return self.request.kind


@dataclass(frozen=True, slots=True)
class MalformedRequest:
    """A file that is no request."""

    name: str
    path: Path
    asked: str
    """What stood there, as far as it can be told."""
    reason: str


class Inbox:
    """`control/` of one attempt: each request is answered once, by an event, and moved to `control/done/`."""

    def __init__(self, files: Files, layout: Layout, emit: Callable[..., None]) -> None:
        self.trouble: RunDirectoryError | None = None
        """Why an answered request could not be moved."""
        self._files, self._layout, self._emit = files, layout, emit
        self._stuck: set[str] = set()

    def discard_leftovers(self, step: int) -> None:
        """Answer what lay there before this attempt."""
        for request in pending_requests(self._layout.control, grace_s=0):
            self.answer(request, "discarded", "it was left over from before this attempt started", step)

    def pending(self, step: int) -> list[PendingRequest]:
        """What is asked, in order of creation; malformed requests are refused here."""
        sound: list[PendingRequest] = []
        for request in pending_requests(self._layout.control):
            match request:
                case _ if request.name in self._stuck:
                    continue
                case PendingRequest():
                    sound.append(request)
                case MalformedRequest():
                    self.answer(request, "refused", request.reason, step)
        return sound

    def answer(
        self, request: PendingRequest | MalformedRequest, outcome: Outcome, reason: str | None, step: int
    ) -> None:
        """Emit the answer and move the request away."""
        answer = {"request": request.name, "asked": request.asked, "outcome": outcome, "reason": reason}
        self._emit(ControlEvent, **answer, step=step)
        target = self._layout.control_done / request.path.name
        try:
            patiently(lambda: self._files.replace(request.path, target))
        except FileNotFoundError:
            return
        except OSError as error:
            # The event was the answer. A file that stays must not be answered again.
            self._stuck.add(request.name)
            self.trouble = cannot_write(error, target, self._layout.root)


def pending_requests(folder: Path, *, grace_s: float = _GRACE_S) -> list[PendingRequest | MalformedRequest]:
    """What lies in `folder`, malformed files first, then in order of creation.

    A malformed file younger than `grace_s` is left alone: somebody may still be writing it.
    """
    if not folder.is_dir():
        return []
    pending: list[PendingRequest] = []
    malformed: list[MalformedRequest] = []
    for path in sorted(folder.glob("*.json")):
        match _read(path):
            case PendingRequest() as request:
                pending.append(request)
            case MalformedRequest() as broken if not _is_young(path, grace_s):
                malformed.append(broken)
            case _:
                pass
    pending.sort(key=lambda request: (request.request.created, request.name))
    return [*malformed, *pending]


def _read(path: Path) -> PendingRequest | MalformedRequest | None:
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            return MalformedRequest(path.stem, path, "", "it is not a plain file")
        if facts.st_size > LARGEST_REQUEST_BYTES:
            reason = f"it has {facts.st_size} bytes; a request has at most {LARGEST_REQUEST_BYTES}"
            return MalformedRequest(path.stem, path, "", reason)
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return MalformedRequest(path.stem, path, "", f"it cannot be read ({error.strerror})")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return MalformedRequest(path.stem, path, "", "it is not UTF-8 text")
    try:
        return PendingRequest(path.stem, path, ControlRequest.model_validate_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        asked = first["input"] if place == "kind" and isinstance(first["input"], str) else ""
        return MalformedRequest(path.stem, path, asked[:100], reason[:500])


def _is_young(path: Path, grace_s: float) -> bool:
    try:
        age_s = time.time() - path.lstat().st_mtime
    except OSError:
        return True
    return 0 <= age_s < grace_s
