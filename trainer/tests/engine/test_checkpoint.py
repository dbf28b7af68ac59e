"""A checkpoint appears whole or not at all, and what is read back is what was written, to the bit."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from srft.config import ModelConfig
from srft.engine.checkpoint import TrainerState, drop_state, read_state, remove_left_overs, write_checkpoint
from srft.engine.policy import load_policy
from srft.errors import InputError
from tests.error_table import record
from tests.loop.toy import make_toy

STATE = TrainerState(
    tensors={"optimiser-adamw": {"step/a": torch.tensor(3.0), "exp_avg/a": torch.arange(6.0).view(2, 3).T}},
    values={"step": 2, "accuracy": 1 / 3, "methods": [{"name": "srft", "state": {}}]},
)


@pytest.fixture(scope="module")
def base_dir(tmp_path_factory):
    torch.set_num_threads(1)
    return make_toy(tmp_path_factory.mktemp("checkpoints")).parent


@pytest.fixture(scope="module")
def policy(base_dir):
    return load_policy(ModelConfig(path="base", device="cpu"), base_dir, seed=0, where="math.srft.json")


def test_what_is_written_is_read_back(policy, base_dir, tmp_path):
    folder = tmp_path / "checkpoints" / "step-000002"
    size = write_checkpoint(folder, policy, STATE)
    assert size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert [path.name for path in folder.parent.iterdir()] == ["step-000002"]
    state = read_state(folder)
    assert state.values == STATE.values
    assert state.tensors.keys() == STATE.tensors.keys()
    for name, tensor in STATE.tensors["optimiser-adamw"].items():
        assert torch.equal(state.tensors["optimiser-adamw"][name], tensor)
    again = load_policy(ModelConfig(path="gone", device="cpu"), base_dir, seed=9, where="", checkpoint=folder)
    assert again.names.keys() == policy.names.keys()
    assert all(torch.equal(again.names[name], policy.names[name]) for name in policy.names)
    assert again.end_token_ids == policy.end_token_ids


def test_any_tool_can_load_it_and_nothing_in_it_is_pickled(policy, tmp_path):
    folder = tmp_path / "step-000002"
    write_checkpoint(folder, policy, STATE)
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".jinja"}
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([tokenizer("1+2?")["input_ids"]])
    policy.model.eval()
    with torch.no_grad():
        assert torch.equal(model(ids).logits, policy.model(ids).logits)


def test_one_that_is_there_is_replaced_and_a_left_over_is_no_hindrance(policy, tmp_path):
    folder, partial = tmp_path / "step-000002", tmp_path / ".step-000002.partial"
    (folder / "old").mkdir(parents=True)
    (partial / "half").mkdir(parents=True)
    write_checkpoint(folder, policy, STATE)
    assert not (folder / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000002"]


def test_left_overs_are_removed(tmp_path):
    for name in (".step-000002.partial", "step-000004", ".hidden"):
        (tmp_path / name / "inner").mkdir(parents=True)
    remove_left_overs(tmp_path)
    remove_left_overs(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "step-000004"]


@pytest.mark.parametrize("limit_bytes", [0, 100, 20_000])
def test_a_full_disk(policy, tmp_path, limit_bytes):
    """The system itself refuses: files may not grow beyond the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_checkpoint(tmp_path / "step-000002", policy, STATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, kept)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("call", [0, 1, 5])
def test_a_sync_that_fails(policy, tmp_path, monkeypatch, number, call):
    write_checkpoint(tmp_path / "step-000002", policy, STATE)
    calls = []

    def refuse(_: int) -> None:
        calls.append(0)
        if len(calls) > call:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        write_checkpoint(tmp_path / "step-000004", policy, STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000002"]


def test_everything_is_synced_before_the_name_appears(policy, tmp_path, monkeypatch):
    folder, done = tmp_path / "step-000002", []

    def sync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        done.append((status.st_ino, stat.S_ISDIR(status.st_mode), folder.exists()))

    monkeypatch.setattr(os, "fsync", sync)
    write_checkpoint(folder, policy, STATE)
    inside = {path.stat().st_ino for path in (folder, *folder.rglob("*"))}
    assert inside <= {inode for inode, _, visible in done if not visible}
    assert done[-1] == (tmp_path.stat().st_ino, True, True)


def test_dropping_the_state_keeps_the_weights(policy, base_dir, tmp_path):
    folder = tmp_path / "step-000002"
    write_checkpoint(folder, policy, STATE)
    drop_state(folder)
    with pytest.raises(InputError) as caught:
        read_state(folder)
    assert "fork from this one" in str(caught.value)
    record("checkpoint", "a checkpoint without trainer_state", told(caught.value, tmp_path))
    assert load_policy(ModelConfig(path="gone", device="cpu"), base_dir, seed=0, where="", checkpoint=folder).names


SPOIL = {
    "a truncated optimiser state": ("optimiser-adamw.safetensors", 40),
    "a truncated state.json": ("state.json", 10),
}


@pytest.mark.parametrize("given", SPOIL)
def test_a_damaged_state(policy, tmp_path, given):
    folder = tmp_path / "step-000002"
    write_checkpoint(folder, policy, STATE)
    name, length_bytes = SPOIL[given]
    path = folder / "trainer_state" / name
    path.write_bytes(path.read_bytes()[:length_bytes])
    with pytest.raises(InputError) as caught:
        read_state(folder)
    assert "copy the run folder once more" in str(caught.value)
    record("checkpoint", given, told(caught.value, tmp_path))


def told(error: BaseException, folder: Path) -> str:
    return str(error).replace(str(folder), "runs/first/checkpoints")
