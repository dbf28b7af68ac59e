"""The policy: the model under training, its tokenizer, where it computes, and how many updates it has seen."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from srft.config import LoraConfig, ModelConfig
from srft.errors import InputError

_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+$")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(slots=True)
class Policy:
    """One owner of the weights. `model` is a PreTrainedModel, or a PeftModel around one."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    end_token_ids: frozenset[int]
    version: int = 0
    """Optimiser updates so far."""
    lora: bool = False
    names: dict[str, nn.Parameter] = field(default_factory=dict)
    """The trainable parameters, by name, in a fixed order."""

    @property
    def context(self) -> int:
        """Longest sequence the model was made for, in tokens."""
        return int(self.model.config.max_position_embeddings)

    @contextlib.contextmanager
    def with_weights(self, weights: dict[str, Tensor]) -> Iterator[None]:
        """The policy with other trainable weights (a reference) for the length of a block."""
        kept = {name: parameter.data for name, parameter in self.names.items()}
        try:
            for name, parameter in self.names.items():
                parameter.data = weights[name].to(parameter.device, parameter.dtype)
            yield
        finally:
            for name, parameter in self.names.items():
                parameter.data = kept[name]


def load_policy(
    config: ModelConfig, base_dir: Path, *, seed: int, where: str, checkpoint: Path | None = None
) -> Policy:
    """Load model and tokenizer by the recipe; adapters start from `seed`.

    With `checkpoint` the trained weights come from that folder: the whole model, or adapters over the recipe's.

    Raises `InputError` for a missing folder, pickled or damaged weights, an architecture that is no causal language
    model, a tokenizer that does not fit. `where` names the recipe in messages.
    """
    transformers_logging.disable_progress_bar()
    source, revision = _source(config, base_dir, where)
    if checkpoint is not None:
        _check_adapters(config, checkpoint, where)
        if config.lora is None:
            source, revision = str(checkpoint), None
    device = choose_device(config.device, where)
    dtype = choose_dtype(config.dtype, device)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    tokenizer = _load_tokenizer(source, revision, where)
    model = _load_model(source, revision, dtype, where)
    _check_tokenizer_fits(tokenizer, model, source, where)
    restore_padding_gradient(model)
    model.to(device)
    if config.lora is not None:
        model = _with_lora(model, config.lora, seed, where)
        if checkpoint is not None:
            _restore_adapters(model, checkpoint)
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    names = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    return Policy(
        model=model,
        tokenizer=tokenizer,
        device=device,
        dtype=dtype,
        end_token_ids=end_tokens(model, tokenizer, where),
        lora=config.lora is not None,
        names=names,
    )


def choose_device(wish: str, where: str) -> torch.device:
    """The device of the recipe; `auto` takes CUDA, then MPS, then the CPU."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present[wish]:
        raise InputError(
            f"model.device is {wish!r}, but PyTorch finds no such device here",
            where=where,
            remedy='set model.device to "auto" or "cpu", or install a driver that fits this PyTorch',
        )
    return torch.device(wish)


def choose_dtype(wish: str, device: torch.device) -> torch.dtype:
    """The type of weights and activations; `auto` is bfloat16 on CUDA and float32 elsewhere."""
    if wish == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[wish]


def restore_padding_gradient(model: nn.Module) -> None:
    """Let every embedding row learn.

    transformers gives the embedding a `padding_idx`, which silently drops that row's gradient; where the pad token is
    also an end token of each chat turn, the loss would be wrong.
    """
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None


def end_tokens(model: PreTrainedModel | Any, tokenizer: PreTrainedTokenizerBase, where: str) -> frozenset[int]:
    """Every end token: of the generation configuration, else of the model's, and the tokenizer's own."""
    found: set[int] = set()
    for owner in (getattr(model, "generation_config", None), model.config):
        ids = getattr(owner, "eos_token_id", None)
        if ids is not None:
            found.update(ids if isinstance(ids, (list, tuple)) else [ids])
            break
    if tokenizer.eos_token_id is not None:
        found.add(int(tokenizer.eos_token_id))
    if not found:
        raise InputError(
            "the model names no end token, so a response could never end",
            where=where,
            remedy="set eos_token_id in its generation_config.json",
        )
    return frozenset(int(token) for token in found)


def _source(config: ModelConfig, base_dir: Path, where: str) -> tuple[str, str | None]:
    folder = (base_dir / config.path).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(
                f"model.path {config.path!r} is a folder without config.json",
                where=where,
                remedy="name a folder in Hugging Face layout (config.json, *.safetensors, tokenizer.json)",
            )
        if not any(folder.glob("*.safetensors")):
            pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
            fault = f"only pickled weights ({pickled[0]})" if pickled else "no weights"
            raise InputError(
                f"model.path {config.path!r} holds {fault}, and only safetensors are read",
                where=where,
                remedy="convert the weights to safetensors first",
            )
        return str(folder), None
    if _HUB_ID.match(config.path) and not config.path.startswith("."):
        return config.path, config.revision
    raise InputError(
        f"model.path {config.path!r} does not exist",
        where=where,
        remedy="name a folder relative to the recipe, or a Hub id such as Qwen/Qwen3-0.6B",
    )


def _load_tokenizer(source: str, revision: str | None, where: str) -> PreTrainedTokenizerBase:
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=False)
        return tokenizer
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise InputError(
            f"the tokenizer of {source!r} cannot be read ({_first_line(error)})",
            where=where,
            remedy="check tokenizer.json and tokenizer_config.json beside the weights",
        ) from error


def _load_model(source: str, revision: str | None, dtype: torch.dtype, where: str) -> PreTrainedModel:
    try:
        architecture = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise InputError(
            f"the model configuration of {source!r} cannot be read ({_first_line(error)})",
            where=where,
            remedy="check config.json; an architecture must be one transformers knows, its own code is never run",
        ) from error
    if type(architecture) not in AutoModelForCausalLM._model_mapping:
        raise InputError(
            f"{source!r} is of type {architecture.model_type!r}, which is no causal language model",
            where=where,
            remedy="take a decoder such as Llama, Qwen2, Qwen3, Mistral or SmolLM2",
        )
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source,
            revision=revision,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the weights of {source!r} cannot be read ({_first_line(error)})",
            where=where,
            remedy="the file may be truncated: fetch or copy it again",
        ) from error
    model, info = loaded
    missing = sorted(info["missing_keys"]) + sorted(str(key) for key in info.get("mismatched_keys", ()))
    if missing:
        raise InputError(
            f"the weights of {source!r} do not fit its config.json ({len(missing)} tensors, first {missing[0]})",
            where=where,
            remedy="take config.json and weights from the same model",
        )
    return model


def _check_tokenizer_fits(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, source: str, where: str) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InputError(
            f"the tokenizer of {source!r} has {len(tokenizer)} tokens, the model only {rows} embeddings",
            where=where,
            remedy="take tokenizer and weights from the same model",
        )


def _with_lora(model: PreTrainedModel, config: LoraConfig, seed: int, where: str) -> Any:
    from peft import LoraConfig as PeftLoraConfig
    from peft import get_peft_model

    torch.manual_seed(seed)
    try:
        return get_peft_model(
            model,
            PeftLoraConfig(
                task_type="CAUSAL_LM",
                r=config.rank,
                lora_alpha=config.alpha,
                lora_dropout=config.dropout,
                target_modules=list(config.targets),
            ),
        )
    except ValueError as error:
        names = sorted(
            {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
        )
        raise InputError(
            f"model.lora.targets {list(config.targets)} match no layer of this model",
            where=where,
            remedy=f"choose from {', '.join(names)}",
        ) from error


def _check_adapters(config: ModelConfig, checkpoint: Path, where: str) -> None:
    holds_adapters = (checkpoint / "adapter_config.json").is_file()
    if holds_adapters != (config.lora is not None):
        has, wants = ("adapters", "all weights") if holds_adapters else ("a whole model", "adapters")
        raise InputError(
            f"the checkpoint {checkpoint.name} holds {has}, but the recipe trains {wants}",
            where=where,
            remedy="set model.lora as in the run it comes from, or make a model of it first with srft export",
        )


def _restore_adapters(model: Any, checkpoint: Path) -> None:
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
