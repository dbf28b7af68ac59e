"""Requests of a person or the editor: small files in `control/`, looked at once a step."""

from __future__ import annotations

import stat
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from srft.wire import ControlRequest

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
        text = data.decode("utf-8")
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
