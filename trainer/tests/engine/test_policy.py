"""Every model that cannot be used is refused in one sentence that says where and what to do."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import huggingface_hub
import huggingface_hub.errors
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, PhiConfig, PhiForCausalLM, T5Config

from srft.config import ModelConfig
from srft.engine.checkpoint import TrainerState, write_checkpoint
from srft.engine.policy import load_policy
from srft.errors import InputError
from tests.error_table import record
from tests.loop.toy import make_toy

WHERE = "math.srft.json"


@pytest.fixture(scope="session")
def _model_master(tmp_path_factory):
    torch.set_num_threads(1)
    return make_toy(tmp_path_factory.mktemp("models")).parent


@pytest.fixture
def world(_model_master, tmp_path):
    """A folder with a sound model `base`, to be spoiled."""
    shutil.copytree(_model_master / "base", tmp_path / "base")
    return tmp_path


def load(world: Path, checkpoint: Path | None = None, **keys: Any):
    config = ModelConfig.model_validate({"path": "base", "device": "cpu", **keys})
    return load_policy(config, world, seed=0, where=WHERE, checkpoint=checkpoint)


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(base: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    tensors = change(load_file(base / "model.safetensors"))
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})


def cut(path: Path, length_bytes: int) -> None:
    path.write_bytes(path.read_bytes()[:length_bytes])


def pickled(base: Path) -> None:
    (base / "model.safetensors").unlink()
    (base / "pytorch_model.bin").write_bytes(b"\x80\x02.")


def only_adapters(base: Path) -> None:
    (base / "model.safetensors").rename(base / "adapter_model.safetensors")
    (base / "adapter_config.json").write_text("{}")


def missing_shard(base: Path) -> None:
    (base / "model.safetensors").rename(base / "model-00001-of-00002.safetensors")
    name = "model-00002-of-00002.safetensors"
    index = {"metadata": {}, "weight_map": {"model.embed_tokens.weight": name}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))


def bert(base: Path) -> None:
    small = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=300)
    BertForMaskedLM(small).save_pretrained(base)


def t5(base: Path) -> None:
    T5Config(d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=300).save_pretrained(base)


def larger_tokenizer(base: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens([f"<extra-{number}>" for number in range(50)])
    tokenizer.save_pretrained(base)


def end_token(base: Path, token: int | None) -> None:
    for name in ("config.json", "generation_config.json"):
        edit(base / name, eos_token_id=token)
    edit(base / "tokenizer_config.json", eos_token=None)


@dataclass(frozen=True)
class Fault:
    """A way to spoil a model, and what the sentence must contain."""

    given: str
    spoil: Callable[[Path], Any]
    says: str
    remedy: str
    keys: dict[str, Any] = field(default_factory=dict)


def nothing(base: Path) -> None:
    """The fault is in the recipe."""


FAULTS = [
    Fault("no such folder", shutil.rmtree, "model.path 'base' does not exist", "name a folder relative to"),
    Fault("a file instead of a folder", nothing, "is a file", "name a folder", {"path": "base/config.json"}),
    Fault("folder without config.json", lambda b: (b / "config.json").unlink(), "without config.json", "name a folder"),
    Fault("pickled weights only", pickled, "only pickled weights (pytorch_model.bin)", "convert the weights"),
    Fault("no weights", lambda b: (b / "model.safetensors").unlink(), "holds no weights", "copy its *.safetensors"),
    Fault("adapters instead of a model", only_adapters, "holds adapters, not a model", "merge them"),
    Fault("truncated weights", lambda b: cut(b / "model.safetensors", 9000), "cannot be read", "copy it again"),
    Fault("empty weights", lambda b: cut(b / "model.safetensors", 0), "cannot be read", "copy it again"),
    Fault(
        "a pointer instead of weights",
        lambda b: (b / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\nsize 1\n"),
        "cannot be read",
        "copy it again",
    ),
    Fault("a missing shard", missing_shard, "model-00002-of-00002", "copy it again"),
    Fault(
        "NaN in the weights",
        lambda b: change_weights(b, lambda t: {n: v * float("nan") if "q_proj" in n else v for n, v in t.items()}),
        "not finite (first in model.layers.0.self_attn.q_proj.weight)",
        "copy them again",
    ),
    Fault(
        "config.json with wider layers than the weights",
        lambda b: edit(b / "config.json", hidden_size=64),
        "do not fit its config.json (20 tensors",
        "same model",
    ),
    Fault(
        "config.json with more layers than the weights",
        lambda b: edit(b / "config.json", num_hidden_layers=3),
        "first model.layers.2.input_layernorm.weight",
        "same model",
    ),
    Fault(
        "config.json with fewer layers than the weights",
        lambda b: edit(b / "config.json", num_hidden_layers=1),
        "first model.layers.1.input_layernorm.weight",
        "same model",
    ),
    Fault("config.json that is no JSON", lambda b: (b / "config.json").write_text("{"), "no", "correct it"),
    Fault("config.json that is a list", lambda b: (b / "config.json").write_text("[]"), "cannot be used", "correct it"),
    Fault("no attention heads", lambda b: edit(b / "config.json", num_attention_heads=0), "be used", "correct it"),
    Fault("a size that is a text", lambda b: edit(b / "config.json", hidden_size="big"), "expected int", "correct it"),
    Fault("unknown architecture", lambda b: edit(b / "config.json", model_type="new"), "`new`", "transformers knows"),
    Fault(
        "an architecture with code of its own",
        lambda b: edit(b / "config.json", model_type="own", auto_map={"AutoConfig": "code.Config"}),
        "custom code",
        "own code is never run",
    ),
    Fault("an encoder-decoder (T5)", t5, "'t5', which is no causal language model", "take a decoder"),
    Fault("a masked language model (BERT)", bert, "'bert', which is no causal language model", "take a decoder"),
    Fault("no tokenizer", lambda b: [p.unlink() for p in b.glob("*token*")], "tokenizer of 'base'", "check tokenizer."),
    Fault("truncated tokenizer", lambda b: cut(b / "tokenizer.json", 500), "tokenizer of 'base'", "check tokenizer.js"),
    Fault("tokenizer larger than the embeddings", larger_tokenizer, "has 311 tokens, the model only 261", "same model"),
    Fault("no end token", lambda b: end_token(b, None), "names no end token", "set eos_token_id"),
    Fault("an end token that is no token", lambda b: end_token(b, 99999), "token 99999 is none of", "set eos_token_id"),
    Fault(
        "LoRA targets that match nothing",
        nothing,
        "no linear layer of this model is named W_pack",
        "choose from down_proj",
        {"lora": {"targets": ["W_pack"]}},
    ),
    Fault(
        "a LoRA target that matches nothing beside one that does",
        nothing,
        "named q_porj",
        "choose from",
        {"lora": {"targets": ["q_porj", "v_proj"]}},
    ),
    Fault("a device that is not there", nothing, "no such device here", 'to "auto"', {"device": "mps"}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.given)
def test_refused(world, fault, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    fault.spoil(world / "base")
    with pytest.raises(InputError) as caught:
        load(world, **fault.keys)
    sentence = str(caught.value)
    assert sentence.startswith(f"{WHERE}: ")
    assert fault.says in sentence
    assert fault.remedy in sentence
    assert "\n" not in sentence
    assert str(world) not in sentence, "the model is named as the recipe names it"
    record("model", fault.given, sentence)


class Answer:
    """As much of an HTTP reply as the Hub's errors read."""

    headers: ClassVar[dict[str, str]] = {}
    request = None
    status_code = 404


HUB = {
    "a Hub id without a network": (None, "the Hub cannot be reached", "name a folder"),
    "a Hub id that is not there": (
        "RepositoryNotFoundError",
        "neither a folder here nor a model",
        "correct model.path",
    ),
    "a Hub id that asks for consent": ("GatedRepoError", "asks for consent", "accept its terms"),
    "a revision that is not there": ("RevisionNotFoundError", "is no revision", "correct model.revision"),
    "a Hub that fails": ("HfHubHTTPError", "cannot be fetched", "try again later"),
}


@pytest.mark.parametrize("given", HUB)
def test_a_hub_id_that_cannot_be_fetched(world, monkeypatch, given):
    name, says, remedy = HUB[given]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(world / "cache"))
    if name is not None:

        def refuse(*_: object, **__: object) -> str:
            reply: Any = Answer()
            raise getattr(huggingface_hub.errors, name)("the Hub says no", response=reply)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(InputError) as caught:
        load(world, path="nobody/no-such-model", revision="v1")
    assert says in str(caught.value)
    assert remedy in str(caught.value)
    record("model", given, str(caught.value))


def test_a_folder_needs_no_network(world, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert load(world).version == 0
    assert load(world, lora={"rank": 2}).lora


def test_a_model_that_memory_cannot_hold(world, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr("srft.engine.model_files.AutoModelForCausalLM.from_pretrained", full)
    with pytest.raises(InputError, match="does not fit into memory; take a smaller model") as caught:
        load(world)
    record("model", "a model larger than the memory", str(caught.value))


ADAPTERS = {
    "a checkpoint of adapters, a recipe that trains all weights": ({"rank": 2}, None, "holds adapters, but the recipe"),
    "a checkpoint of all weights, a recipe that trains adapters": (None, {"rank": 2}, "holds a whole model, but the"),
    "a checkpoint of adapters of another rank": ({"rank": 2}, {"rank": 4}, "another rank than model.lora"),
    "a checkpoint of adapters on other layers": ({}, {"targets": ["q_proj"]}, "have other layers"),
}


@pytest.mark.parametrize("given", ADAPTERS)
def test_a_checkpoint_of_another_kind(world, given):
    kept, wanted, says = ADAPTERS[given]
    write_checkpoint(world / "step-000002", load(world, lora=kept), TrainerState(tensors={}, values={}))
    with pytest.raises(InputError) as caught:
        load(world, checkpoint=world / "step-000002", lora=wanted)
    assert says in str(caught.value)
    assert "set model.lora as in the run it comes from" in str(caught.value)
    record("model", given, str(caught.value))


def test_truncated_adapters(world):
    write_checkpoint(world / "step-000002", load(world, lora={"rank": 2}), TrainerState(tensors={}, values={}))
    cut(world / "step-000002" / "adapter_model.safetensors", 100)
    with pytest.raises(InputError, match=r"cannot be read .*; copy the checkpoint once more") as caught:
        load(world, checkpoint=world / "step-000002", lora={"rank": 2})
    record("model", "a checkpoint with truncated adapters", str(caught.value))


def test_the_default_targets_fit_families_that_lack_some_of_them(world):
    small = PhiConfig(vocab_size=261, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    PhiForCausalLM(small).save_pretrained(world / "base")
    policy = load(world, lora={"rank": 2})
    assert {name.split(".lora_")[0].rsplit(".", 1)[-1] for name in policy.names} == {"q_proj", "k_proj", "v_proj"}


def test_a_pad_token_that_is_an_end_token_learns(world):
    policy = load(world)
    ids = torch.tensor([[0, 1, 0]])
    policy.model(input_ids=ids).logits.sum().backward()
    assert policy.model.get_input_embeddings().weight.grad[0].abs().sum() > 0


def test_other_weights_for_a_while(world):
    policy = load(world)
    before = {name: parameter.detach().clone() for name, parameter in policy.names.items()}
    with pytest.raises(ZeroDivisionError), policy.with_weights({n: torch.zeros_like(w) for n, w in before.items()}):
        assert not any(parameter.any() for parameter in policy.names.values())
        raise ZeroDivisionError
    assert all(torch.equal(policy.names[name], before[name]) for name in before)
