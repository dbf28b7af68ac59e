"""The policy: the model under training, its tokenizer, where it computes, and how many updates it has seen."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging as transformers_logging

from srft.config import LoraConfig, ModelConfig
from srft.engine.model_files import (
    ModelFolder,
    check_causal,
    check_finite,
    check_tokenizer_fits,
    checked_folder,
    embedding_rows,
    model_folder,
    read_architecture,
    read_tokenizer,
    read_weights,
)
from srft.engine.out_of_memory import is_out_of_memory
from srft.errors import InputError


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
    def context(self) -> int | None:
        """Longest sequence the model was made for, in tokens; None where it has no limit."""
        limit = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return None if limit is None else int(limit)

    @property
    def vocabulary(self) -> int:
        """Tokens the model can write."""
        return embedding_rows(self.model)

    @contextlib.contextmanager
    def with_weights(self, weights: dict[str, Tensor]) -> Generator[None, None, None]:
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
    # What they would print is either a refusal of ours, said in one sentence, or of no use to the reader.
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    if checkpoint is not None:
        _check_adapters(config, checkpoint, where)
    if checkpoint is not None and config.lora is None:
        folder = checked_folder(ModelFolder(path=checkpoint, name=checkpoint.name, where=where))
    else:
        folder = model_folder(config, base_dir, where)
    device = choose_device(config.device, where)
    dtype = choose_dtype(config.dtype, device)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    read_architecture(folder)
    tokenizer = read_tokenizer(folder)
    model = read_weights(folder, dtype)
    check_tokenizer_fits(tokenizer, model, folder)
    restore_padding_gradient(model)
    _move(model, device, folder)
    check_finite(model, folder)
    check_causal(model, folder)
    if config.lora is not None:
        model = _with_lora(model, config.lora, seed, where)
        if checkpoint is not None:
            _restore_adapters(model, checkpoint, where)
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
    remedy = "set eos_token_id in its generation_config.json"
    if not found:
        raise InputError("the model names no end token, so a response could never end", where=where, remedy=remedy)
    outside = [token for token in found if not 0 <= token < embedding_rows(model)]
    if outside:
        raise InputError(
            f"the end token {outside[0]} is none of the model's {embedding_rows(model)} tokens",
            where=where,
            remedy=remedy,
        )
    return frozenset(int(token) for token in found)


def _move(model: PreTrainedModel, device: torch.device, folder: ModelFolder) -> None:
    try:
        model.to(device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise InputError(
            f"the model {folder.name!r} does not fit into the memory of {device.type!r}",
            where=folder.where,
            remedy='take a smaller model, or set model.dtype to "bfloat16"',
        ) from error


def _with_lora(model: PreTrainedModel, config: LoraConfig, seed: int, where: str) -> Any:
    from peft import LoraConfig as PeftLoraConfig
    from peft import get_peft_model

    layers = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.Embedding, Conv1D))
    }
    unknown = [target for target in config.targets if target not in layers]
    # The targets of a recipe that names none are those of most families, so some may be missing.
    if len(unknown) == len(config.targets) or (unknown and config.targets != LoraConfig().targets):
        raise InputError(
            f"model.lora.targets: no linear layer of this model is named {' or '.join(unknown)}",
            where=where,
            remedy=f"choose from {', '.join(sorted(layers))}",
        )
    torch.manual_seed(seed)
    return get_peft_model(
        model,
        PeftLoraConfig(
            task_type="CAUSAL_LM",
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules=[target for target in config.targets if target in layers],
        ),
    )


def _check_adapters(config: ModelConfig, checkpoint: Path, where: str) -> None:
    holds_adapters = (checkpoint / "adapter_config.json").is_file()
    if holds_adapters != (config.lora is not None):
        has, wants = ("adapters", "all weights") if holds_adapters else ("a whole model", "adapters")
        raise InputError(
            f"the checkpoint {checkpoint.name} holds {has}, but the recipe trains {wants}",
            where=where,
            remedy="set model.lora as in the run it comes from, or make a model of it first with srft export",
        )


def _restore_adapters(model: Any, checkpoint: Path, where: str) -> None:
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file

    try:
        adapters = load_file(checkpoint / "adapter_model.safetensors")
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"the adapters of {checkpoint.name} cannot be read ({error})",
            where=where,
            remedy="copy the checkpoint once more, or take an earlier one",
        ) from error
    own = get_peft_model_state_dict(model)
    if {name: tensor.shape for name, tensor in adapters.items()} != {name: own[name].shape for name in own}:
        raise InputError(
            f"the adapters of {checkpoint.name} have other layers or another rank than model.lora",
            where=where,
            remedy="set model.lora as in the run it comes from",
        )
    set_peft_model_state_dict(model, adapters)
