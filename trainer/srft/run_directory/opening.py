"""How a run directory is claimed: checked, locked, repaired, its `run.json` written; before anything else is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srft.errors import InputError
from srft.run_directory.errors import cannot_write
from srft.run_directory.files import Files, replace_file
from srft.run_directory.layout import Layout
from srft.run_directory.lock import WriterLock
from srft.run_directory.reader import read_manifest
from srft.run_directory.repair import repair
from srft.wire import Device, RunManifest

# A launcher may have put its log or a request there, and a trainer that died before `run.json` leaves the rest.
_MAY_BE_THERE = frozenset({"trainer.log", "control", "rollouts", "writer.lock", "run.json.new"})


@dataclass(frozen=True, slots=True)
class Opened:
    """A claimed run directory and where its new attempt begins."""

    layout: Layout
    lock: WriterLock
    run_id: str
    attempt: int
    from_step: int
    next_seq: int
    next_segment: int
    record_bytes: int
    """What the segments take on the disk."""
    notices: frozenset[str]
    resumed: dict[str, Any] | None
    """The rest of the `resumed` event; None: the run starts."""


def claim_new(files: Files, layout: Layout, manifest: RunManifest) -> Opened:
    """Make the folder, lock it, write `run.json`."""
    try:
        files.make_folder(layout.root)
        refuse_occupied(layout)
        lock = WriterLock(layout.lock, layout.root)
    except OSError as error:
        raise cannot_write(error, layout.root, layout.root) from error
    try:
        refuse_occupied(layout)  # Another trainer may have been quicker.
        files.make_folder(layout.rollouts)
        files.make_folder(layout.control_done)
        text = without_home(manifest).model_dump_json(indent=2) + "\n"
        replace_file(files, layout.manifest, text.encode(), sync=True)
        files.sync_folder(layout.root.parent)
    except OSError as error:
        lock.release()
        raise cannot_write(error, layout.manifest, layout.root) from error
    except BaseException:
        lock.release()
        raise
    return Opened(layout, lock, manifest.run_id, 1, 0, 0, 1, 0, frozenset(), None)


def claim_existing(files: Files, layout: Layout, from_step: int, device: Device, versions: dict[str, str]) -> Opened:
    """Lock the run and repair it."""
    manifest = read_manifest(layout.root)
    lock = WriterLock(layout.lock, layout.root)
    try:
        files.make_folder(layout.rollouts)
        files.make_folder(layout.control_done)
        found = repair(files, layout)
        if not 0 <= from_step <= found.last_step:
            raise InputError(
                f"the checkpoint is of step {from_step}, but the run's events reach only to step {found.last_step}",
                where=str(layout.root),
                remedy="copy the run folder once more, or resume from an earlier checkpoint",
            )
        return Opened(
            layout=layout,
            lock=lock,
            run_id=manifest["run_id"],
            attempt=found.attempts + 1,
            from_step=from_step,
            next_seq=found.next_seq,
            next_segment=found.next_segment,
            record_bytes=sum(path.stat().st_size for path in layout.segments().values()),
            notices=found.notices,
            # Killed between `run.json` and its first event, the run never started.
            resumed=None if found.attempts == 0 else {"device": device, "versions": versions},
        )
    except OSError as error:
        lock.release()
        raise cannot_write(error, layout.root, layout.root) from error
    except BaseException:
        lock.release()
        raise


def without_home(manifest: RunManifest) -> RunManifest:
    """The manifest with the home folder written `~` wherever a text begins with it: a run may be shown to others."""
    home = Path.home()
    if home == Path(home.anchor):
        return manifest

    def shorten(value: Any) -> Any:
        match value:
            case str() if value == str(home):
                return "~"
            case str() if value.startswith((f"{home}/", f"{home}\\")):
                return "~" + value[len(str(home)) :]
            case dict():
                return {key: shorten(inner) for key, inner in value.items()}
            case list():
                return [shorten(inner) for inner in value]
            case _:
                return value

    return RunManifest.model_validate(shorten(manifest.model_dump(mode="json")))


def refuse_occupied(layout: Layout) -> None:
    """Raises `InputError` when the folder holds a run or anything else; one that is not there is free."""
    if not layout.root.is_dir():
        return
    if layout.manifest.exists():
        raise InputError(
            "this folder already holds a run",
            where=str(layout.root),
            remedy="go on with it by --resume, or name another folder with --run-dir",
        )
    others = sorted(path.name for path in layout.root.iterdir() if path.name not in _MAY_BE_THERE)
    if others:
        raise InputError(
            f"this folder is not empty (it holds {others[0]})",
            where=str(layout.root),
            remedy="name another folder with --run-dir",
        )
