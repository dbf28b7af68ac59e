"""A disk that refuses: the run stays readable, one sentence tells, and resuming leads to the same folded run."""

from __future__ import annotations

import errno
import functools
import os
import resource
import signal
from pathlib import Path

import pytest
import torch

from srft import keeper, launch
from srft.run_directory import RunDirectoryError
from srft.run_directory.fold import comparable_run, fold_run
from srft.run_directory.options import WriterOptions
from tests.error_table import record
from tests.loop.runs import end_of, events, resume_here, train_here, weights
from tests.run_directory.broken_disks import RefusingFiles, ShortWritingFiles

RUN = Path("run")


pytestmark = pytest.mark.usefixtures("in_recipe_folder")


@pytest.fixture(scope="module")
def whole(_toy_master, tmp_path_factory):
    """The run that met no fault: its comparable form and its last weights."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    train_here(_toy_master, run_dir)
    return comparable_run(run_dir), weights(run_dir, 6)


DISKS = {
    "a full disk under the rollouts": ("write", "rollouts/000002.seg", errno.ENOSPC, 4, "free space"),
    "a read-only disk under the index": ("write", "rollouts/index.jsonl", errno.EROFS, 4, "writable"),
    "a failing write of an event": ("write", "events.jsonl", errno.EIO, 6, "check that disk"),
    "a failing sync of an event": ("sync", "events.jsonl", errno.EIO, 6, "check that disk"),
    "a failing sync of the rollouts": ("sync", "rollouts/000002.seg", errno.EIO, 3, "check that disk"),
}


@pytest.mark.parametrize("given", DISKS)
def test_a_disk_that_refuses(recipe, whole, monkeypatch, given):
    call, path, number, after, remedy = DISKS[given]
    files = RefusingFiles(RUN, name=call, path=path, number=number, after=after)
    with monkeypatch.context() as patched:
        patched.setattr(launch, "WriterOptions", functools.partial(WriterOptions, files=files))
        with pytest.raises(RunDirectoryError) as caught:
            train_here(recipe, RUN)
    assert str(caught.value).startswith(f"run/{path}: cannot be written (")
    assert remedy in str(caught.value)
    assert 0 < len(fold_run(RUN)["steps"]) < 6
    resume_here(RUN)
    assert comparable_run(RUN) == whole[0]
    assert all(torch.equal(weights(RUN, 6)[name], tensor) for name, tensor in whole[1].items())
    record("loop", given, str(caught.value))


def test_a_disk_that_takes_little_at_a_time(recipe, monkeypatch):
    train_here(recipe, Path("whole"), training__steps=2)
    monkeypatch.setattr(launch, "WriterOptions", functools.partial(WriterOptions, files=ShortWritingFiles()))
    train_here(recipe, RUN, training__steps=2)
    assert comparable_run(RUN) == comparable_run(Path("whole"))


def full_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The system refuses files of more than 20 kB while the checkpoint of step 4 is written."""
    write = keeper.write_checkpoint

    def limited(target: Path, *rest):
        if target.name != folder.name:
            return write(target, *rest)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            return write(target, *rest)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, kept)

    monkeypatch.setattr(keeper, "write_checkpoint", limited)


def read_only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    make = Path.mkdir

    def refuse(path: Path, *rest, **keys):
        if folder.name in str(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return make(path, *rest, **keys)

    monkeypatch.setattr(Path, "mkdir", refuse)


def failing_sync(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def refuse(_: int) -> None:
        if (folder.parent / f".{folder.name}.partial").exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)


CHECKPOINT_DISKS = {
    "a disk that gets full under a checkpoint": (full_disk, "free space on the disk of run"),
    "a disk that turned read-only under a checkpoint": (read_only, "make run writable"),
    "a failing sync of a checkpoint": (failing_sync, "check that disk"),
}


@pytest.mark.parametrize("given", CHECKPOINT_DISKS)
def test_a_checkpoint_the_disk_refuses(recipe, whole, monkeypatch, given):
    spoil, remedy = CHECKPOINT_DISKS[given]
    with monkeypatch.context() as patched:
        spoil(patched, RUN / "checkpoints" / "step-000004")
        with pytest.raises(RunDirectoryError) as caught:
            train_here(recipe, RUN)
    sentence = str(caught.value)
    assert sentence.startswith("run/checkpoints/step-000004: cannot be written (")
    assert remedy in sentence
    assert sentence.endswith("go on with --resume.")
    assert [path.name for path in (RUN / "checkpoints").iterdir()] == ["step-000002"]
    assert list(fold_run(RUN)["steps"]) == [1, 2, 3, 4]
    assert end_of(RUN)["kind"] == "failed"
    assert sentence in end_of(RUN)["message"]
    resume_here(RUN)
    assert events(RUN, "resumed")[0]["from_step"] == 2
    assert comparable_run(RUN) == whole[0]
    record("loop", given, sentence)
