"""Disks that remember what was asked of them, and disks that refuse."""

from __future__ import annotations

import errno
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from srft.run_directory.files import Files


@dataclass(frozen=True)
class Call:
    """One change of the disk; `path` is relative to the run."""

    name: str
    path: str
    data: bytes = b""
    length: int = 0
    target: str = ""


@dataclass
class RecordingFiles(Files):
    """Does everything and keeps a list of it."""

    root: Path
    calls: list[Call] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.root).replace(os.sep, "/")

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self.calls.append(Call("make_folder", self._name(path)))

    def open_append(self, path: Path) -> int:
        descriptor = super().open_append(path)
        self.paths[descriptor] = self._name(path)
        self.calls.append(Call("open_append", self._name(path)))
        return descriptor

    def open_anew(self, path: Path) -> int:
        descriptor = super().open_anew(path)
        self.paths[descriptor] = self._name(path)
        self.calls.append(Call("open_anew", self._name(path)))
        return descriptor

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        written = super().write(descriptor, data)
        self.calls.append(Call("write", self.paths[descriptor], bytes(data[:written])))
        return written

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.calls.append(Call("sync", self.paths[descriptor]))

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self.calls.append(Call("sync_folder", self._name(path)))

    def truncate(self, descriptor: int, length_bytes: int) -> None:
        super().truncate(descriptor, length_bytes)
        self.calls.append(Call("truncate", self.paths[descriptor], length=length_bytes))

    def replace(self, source: Path, target: Path) -> None:
        super().replace(source, target)
        self.calls.append(Call("replace", self._name(source), target=self._name(target)))

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.calls.append(Call("remove", self._name(path)))

    def records(self) -> list[Call]:
        """The calls that concern records, not the picture of the moment."""
        shown = ("status.json", "status.json.new", "live.json", "live.json.new")
        return [call for call in self.calls if call.path not in shown]


@dataclass
class _Node:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


class SimulatedDisk:
    """What would be on the disk after some calls, had the process or the power ended then."""

    def __init__(self) -> None:
        self._folders: list[str] = []
        self._names: dict[str, _Node] = {}
        self._durable_names: dict[str, _Node] = {}

    def apply(self, call: Call, share: float = 1.0) -> None:
        """Do a call; of a write only this share of its bytes."""
        match call.name:
            case "make_folder":
                self._folders.append(call.path)
            case "open_append":
                self._names.setdefault(call.path, _Node())
            case "open_anew":
                self._names[call.path] = _Node()
            case "write":
                self._names[call.path].data += call.data[: int(len(call.data) * share)]
            case "sync":
                node = self._names[call.path]
                node.synced = bytes(node.data)
            case "sync_folder":
                here = {path: node for path, node in self._names.items() if str(Path(path).parent) == call.path}
                gone = {p: n for p, n in self._durable_names.items() if str(Path(p).parent) != call.path}
                self._durable_names = gone | here
            case "truncate":
                del self._names[call.path].data[call.length :]
            case "replace":
                self._names[call.target] = self._names.pop(call.path)
            case "remove":
                del self._names[call.path]
            case name:
                raise AssertionError(name)

    def after_kill(self, root: Path) -> None:
        """The process ended: the system still writes everything out."""
        self._put(root, {path: bytes(node.data) for path, node in self._names.items()})

    def after_power_loss(self, root: Path, chance: random.Random | None) -> None:
        """The machine ended: names and bytes that were synced are there; of later bytes none, or as chance has it."""

        def left(node: _Node) -> bytes:
            if chance is None or not bytes(node.data).startswith(node.synced):
                return node.synced
            return bytes(node.data[: chance.randint(len(node.synced), len(node.data))])

        self._put(root, {path: left(node) for path, node in self._durable_names.items()})

    def _put(self, root: Path, contents: dict[str, bytes]) -> None:
        root.mkdir(parents=True)
        for folder in self._folders:
            (root / folder).mkdir(parents=True, exist_ok=True)
        for path, data in contents.items():
            (root / path).write_bytes(data)


@dataclass
class RefusingFiles(RecordingFiles):
    """After some calls of that name on that path the disk refuses; a failing write first takes half its bytes."""

    name: str = ""
    path: str = ""
    number: int = errno.ENOSPC
    after: int = 0
    seen: int = 0
    cuts: bool = True
    """May the file still be cut?"""

    def _check(self, name: str, path: str) -> bool:
        if name != self.name or path != self.path:
            return False
        self.seen += 1
        return self.seen > self.after

    def _refuse(self) -> OSError:
        return OSError(self.number, os.strerror(self.number))

    def open_append(self, path: Path) -> int:
        if self._check("open_append", self._name(path)):
            raise self._refuse()
        return super().open_append(path)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self._check("write", self.paths[descriptor]):
            os.write(descriptor, data[: len(data) // 2])
            raise self._refuse()
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        if self._check("sync", self.paths[descriptor]):
            raise self._refuse()
        super().sync(descriptor)

    def truncate(self, descriptor: int, length_bytes: int) -> None:
        if not self.cuts:
            raise self._refuse()
        super().truncate(descriptor, length_bytes)


class ShortWritingFiles(Files):
    """Takes at most 100 bytes at a time."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return super().write(descriptor, data[:100])
