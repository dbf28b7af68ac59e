"""Reading a model's files: configuration, tokenizer, weights. Whatever is wrong with them becomes one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from srft.config import ModelConfig
from srft.engine.out_of_memory import is_out_of_memory
from srft.errors import InputError

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
_HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """A folder in Hugging Face layout."""

    path: Path
    name: str
    """As a person knows it: `model.path` of the recipe, or the name of a checkpoint."""
    where: str
    """What names it: the recipe's file. For messages."""


def model_folder(config: ModelConfig, base_dir: Path, where: str, *, offline: bool = False) -> ModelFolder:
    """The folder `model.path` names; a Hub id is fetched, when `offline` from the cache. Raises `InputError`."""
    folder = (base_dir / config.path).expanduser()
    if folder.exists():
        return checked_folder(ModelFolder(path=folder, name=config.path, where=where))
    if _HUB_ID.match(config.path):
        return checked_folder(ModelFolder(path=_fetched(config, where, offline), name=config.path, where=where))
    raise InputError(
        f"model.path {config.path!r} does not exist",
        where=where,
        remedy="name a folder relative to the recipe, or a Hub id such as Qwen/Qwen3-0.6B",
    )


def checked_folder(folder: ModelFolder) -> ModelFolder:
    """The folder, if it may hold a model. Raises `InputError`."""
    layout = "name a folder in Hugging Face layout (config.json, *.safetensors, tokenizer.json)"
    if not folder.path.is_dir():
        raise InputError(f"model.path {folder.name!r} is a file", where=folder.where, remedy=layout)
    if (folder.path / "adapter_config.json").is_file():
        raise InputError(
            f"model.path {folder.name!r} holds adapters, not a model",
            where=folder.where,
            remedy="merge them into their model first (srft export does), or begin from a run's checkpoint with --fork",
        )
    if not (folder.path / "config.json").is_file():
        raise InputError(
            f"model.path {folder.name!r} is a folder without config.json", where=folder.where, remedy=layout
        )
    if not any(folder.path.glob("*.safetensors")):
        pickled = sorted(path.name for pattern in _PICKLED for path in folder.path.glob(pattern))
        fault = f"only pickled weights ({pickled[0]})" if pickled else "no weights"
        raise InputError(
            f"model.path {folder.name!r} holds {fault}, and only safetensors are read",
            where=folder.where,
            remedy="convert the weights to safetensors first" if pickled else "copy its *.safetensors there",
        )
    return folder


def read_architecture(folder: ModelFolder) -> PreTrainedConfig:
    """`config.json`. Raises `InputError` when it cannot be read or is of no language model."""
    try:
        architecture = AutoConfig.from_pretrained(str(folder.path), trust_remote_code=False)
    # Validation errors of several libraries, and whatever a configuration class does with nonsense.
    except Exception as error:
        raise InputError(
            f"config.json of {folder.name!r} cannot be used ({_reason(error, folder)})",
            where=folder.where,
            remedy="correct it; the architecture must be one that transformers knows, a model's own code is never run",
        ) from error
    if type(architecture) not in AutoModelForCausalLM._model_mapping:
        raise _no_language_model(folder, architecture)
    return architecture


def read_tokenizer(folder: ModelFolder) -> PreTrainedTokenizerBase:
    """The tokenizer. Raises `InputError`."""
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(folder.path), trust_remote_code=False)
        tokenizer.name_or_path = folder.name  # It is written into checkpoints, where no path of this machine belongs.
        return tokenizer
    except Exception as error:  # What the tokenizers library raises is a plain Exception.
        raise InputError(
            f"the tokenizer of {folder.name!r} cannot be read ({_reason(error, folder)})",
            where=folder.where,
            remedy="check tokenizer.json and tokenizer_config.json beside the weights",
        ) from error


def read_weights(folder: ModelFolder, dtype: torch.dtype) -> PreTrainedModel:
    """The model, on the CPU. Raises `InputError` when the weights are damaged or do not fit `config.json`."""
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(folder.path),
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # They are told below, by name.
        )
    except Exception as error:
        if is_out_of_memory(error):
            raise InputError(
                f"the model {folder.name!r} does not fit into memory",
                where=folder.where,
                remedy='take a smaller model, or set model.dtype to "bfloat16"',
            ) from error
        raise InputError(
            f"the weights of {folder.name!r} cannot be read ({_reason(error, folder)})",
            where=folder.where,
            remedy="the file may be truncated: fetch or copy it again",
        ) from error
    model, info = loaded
    model.name_or_path = model.config._name_or_path = folder.name  # Adapters name their base by it.
    wrong = [
        *info["missing_keys"],
        *(key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]),
        *_left_over_layers(model, list(info["unexpected_keys"])),
    ]
    if wrong:
        raise InputError(
            f"the weights of {folder.name!r} do not fit its config.json ({len(wrong)} tensors, first {min(wrong)})",
            where=folder.where,
            remedy="take config.json and weights from the same model",
        )
    return model


def check_finite(model: PreTrainedModel, folder: ModelFolder) -> None:
    """Refuse weights that hold NaN or infinity."""
    for name, parameter in model.named_parameters():
        if parameter.numel() and not all(bound.isfinite() for bound in parameter.detach().aminmax()):
            raise InputError(
                f"the weights of {folder.name!r} are not finite (first in {name})",
                where=folder.where,
                remedy="fetch or copy them again, or take an earlier checkpoint",
            )


def check_causal(model: PreTrainedModel, folder: ModelFolder) -> None:
    """Refuse a model that looks ahead: a token's logits must not change with the token after it.

    A masked language model such as BERT loads like a causal one, and would train to nonsense.
    """
    ids_2L = torch.tensor([[0, 1, 0], [0, 1, 1]], device=model.device)
    model.eval()
    with torch.no_grad():
        logits_2LV = model(input_ids=ids_2L).logits.float()
    first_LV, second_LV = logits_2LV[0, :2], logits_2LV[1, :2]
    tolerance = torch.finfo(model.dtype).eps ** 0.5 * float(logits_2LV.std())
    if float((first_LV - second_LV).abs().max()) > tolerance:
        raise _no_language_model(folder, model.config)


def check_tokenizer_fits(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, folder: ModelFolder) -> None:
    """Every token needs an embedding. Raises `InputError`."""
    rows = embedding_rows(model)
    if len(tokenizer) > rows:
        raise InputError(
            f"the tokenizer of {folder.name!r} has {len(tokenizer)} tokens, the model only {rows} embeddings",
            where=folder.where,
            remedy="take tokenizer and weights from the same model",
        )


def embedding_rows(model: PreTrainedModel) -> int:
    """Tokens the model has an embedding for."""
    embeddings: Any = model.get_input_embeddings()
    return embeddings.weight.shape[0]


def _fetched(config: ModelConfig, where: str, offline: bool) -> Path:
    """The files of a Hub id, from the Hub or from the local cache; no other function uses the network."""
    from huggingface_hub import errors, snapshot_download

    name = config.path if config.revision is None else f"{config.path} at {config.revision}"
    try:
        folder = snapshot_download(
            config.path, revision=config.revision, allow_patterns=list(_HUB_FILES), local_files_only=offline
        )
        return Path(folder)
    except errors.GatedRepoError as error:
        fault, remedy, cause = "asks for consent first", "accept its terms on its page, then hf auth login", error
    except errors.RevisionNotFoundError as error:
        fault, remedy, cause = "is no revision the Hub has", "correct model.revision", error
    except errors.RepositoryNotFoundError as error:
        fault, cause = "is neither a folder here nor a model on the Hub", error
        remedy = "correct model.path, or hf auth login if the model is private"
    except errors.LocalEntryNotFoundError as error:
        fault, cause = "is no folder here, and the Hub cannot be reached", error
        remedy = "name a folder relative to the recipe, or try again with a connection"
    except Exception as error:
        fault, cause = f"cannot be fetched from the Hub ({_first_line(error)})", error
        remedy = "try again later, or name a folder"
    raise InputError(f"model.path {name!r} {fault}", where=where, remedy=remedy) from cause


def _left_over_layers(model: PreTrainedModel, keys: Sequence[str]) -> list[str]:
    """Tensors of the file that are like one of the model in all but the layer's number: the configuration cut layers.

    Others, such as a vision tower beside a language model, are not the language model's.
    """
    digits = re.compile(r"\.\d+\.")
    known = {digits.sub(".*.", name) for name in model.state_dict()}
    return [key for key in keys if digits.search(key) and digits.sub(".*.", key) in known]


def _no_language_model(folder: ModelFolder, architecture: PreTrainedConfig) -> InputError:
    return InputError(
        f"{folder.name!r} is of type {architecture.model_type!r}, which is no causal language model",
        where=folder.where,
        remedy="take a decoder such as Llama, Qwen2, Qwen3, Mistral or SmolLM2",
    )


def _reason(error: BaseException, folder: ModelFolder) -> str:
    """The error's first line, with the folder as the recipe names it."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.replace(str(folder.path), folder.name).rstrip(". ")
    return text if len(text) <= 200 else f"{text[:199]}…"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
