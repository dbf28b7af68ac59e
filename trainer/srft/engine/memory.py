"""Where the memory of a run goes, by part, before it is taken."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from srft.engine.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryByPart:
    """Bytes on the training device."""

    weights: int
    trained_weights: int
    """Those of `weights` that learn."""
    gradients: int
    optimiser: int
    """Two moments, and float32 masters where weights are of lower precision."""
    reference: int
    activations: int
    """Kept for backward in the largest micro-batch, measured."""
    cache: int
    """Keys and values of the rows written at once; not at the same time as the activations."""
    available: int | None
    """Free on the device before the run; None where nobody can tell."""

    @property
    def total(self) -> int:
        """The peak."""
        return self.weights + self.gradients + self.optimiser + self.reference + max(self.activations, self.cache)

    @property
    def largest(self) -> str:
        """Name of the largest part."""
        parts = [part.name for part in fields(self) if part.name not in ("available", "trained_weights")]
        return max(parts, key=lambda name: getattr(self, name))

    def __str__(self) -> str:
        parts = ("weights", "gradients", "optimiser", "reference", "activations", "cache")
        shown = ", ".join(f"{name} {getattr(self, name) / 1e6:.0f}" for name in parts if getattr(self, name))
        return f"{self.total / 1e6:.0f} MB at most ({shown})"


@dataclass(slots=True)
class Saved:
    """What a forward pass kept."""

    bytes: int = 0


@contextlib.contextmanager
def saved_bytes() -> Generator[Saved, None, None]:
    """Counts the bytes autograd keeps for backward within the block; each storage once."""
    saved, seen = Saved(), set()

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen and not tensor.is_leaf:
            seen.add(storage.data_ptr())
            saved.bytes += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield saved


def memory_by_part(
    policy: Policy, *, optimisers: int, activations: int, cache_tokens: int, reference: bool
) -> MemoryByPart:
    """The parts for a policy whose largest micro-batch keeps `activations` bytes."""
    trained = sum(parameter.numel() for parameter in policy.names.values())
    low_precision = sum(parameter.numel() for parameter in policy.names.values() if parameter.dtype != torch.float32)
    trained_bytes = sum(parameter.numel() * parameter.element_size() for parameter in policy.names.values())
    return MemoryByPart(
        weights=sum(parameter.numel() * parameter.element_size() for parameter in policy.model.parameters()),
        trained_weights=trained_bytes,
        gradients=4 * trained,
        optimiser=8 * trained * optimisers + 4 * low_precision,
        reference=trained_bytes if reference else 0,
        activations=activations,
        cache=cache_tokens * _cache_bytes_per_token(policy),
        available=_available(policy.device),
    )


def _cache_bytes_per_token(policy: Policy) -> int:
    config = policy.model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * torch.empty((), dtype=policy.dtype).element_size()


def _available(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available
