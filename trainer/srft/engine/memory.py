"""Where the memory of a run goes, by part, before it is taken."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from dataclasses import dataclass, fields

import psutil
import torch
from torch import Tensor, nn

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
    resident: int
    """Beside them, between passes, measured: fused copies for sampling; on a CPU also Python, PyTorch and the data."""
    activations: int
    """What a training pass takes at its peak, measured: activations kept for backward and what is made of them."""
    cache: int
    """Keys and values of the rows written at once; not at the same time as the activations."""
    available: int
    """Free on the device, with what is in use now counted as free."""

    @property
    def total(self) -> int:
        """The peak."""
        steady = self.weights + self.gradients + self.optimiser + self.reference + self.resident
        return steady + max(self.activations, self.cache)

    @property
    def largest(self) -> str:
        """Name of the largest part."""
        parts = [part.name for part in fields(self) if part.name not in ("available", "trained_weights")]
        return max(parts, key=lambda name: getattr(self, name))

    def __str__(self) -> str:
        parts = ("weights", "gradients", "optimiser", "reference", "resident", "activations", "cache")
        shown = ", ".join(f"{name} {getattr(self, name) / 1e6:.0f}" for name in parts if getattr(self, name))
        return f"{self.total / 1e6:.0f} MB at most ({shown})"


class Peak:
    """What the code under test added to the device's memory at its peak, bytes."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._device = device
        self.kept = 0
        """Bytes that autograd kept for backward, of the largest forward pass."""
        self._seen = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        self._before, self._peak_before = in_use(self._device), _peak(self._device)

    @contextlib.contextmanager
    def forward(self) -> Generator[None]:
        """Counts the bytes that autograd keeps for backward within the block: a lower bound, known on every device."""
        saved, seen = 0, set(self._seen)

        def pack(tensor: Tensor) -> Tensor:
            nonlocal saved
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in seen:
                seen.add(storage.data_ptr())
                saved += storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            yield
        self.kept = max(self.kept, saved)

    def bytes(self) -> int:
        """Since construction. An earlier, higher peak of the process hides this one; then the lower bound counts."""
        peak = _peak(self._device)
        grown = peak - self._before if peak > self._peak_before else 0
        return max(self.kept, grown)


def memory_by_part(
    policy: Policy, *, optimisers: int, in_use_before: int, activations: int, cache_tokens: int, reference: bool
) -> MemoryByPart:
    """The parts for a policy whose largest micro-batch takes `activations` bytes.

    `in_use_before`: of the device, once something was sampled and before anything was trained.
    """
    trained = sum(parameter.numel() for parameter in policy.names.values())
    low_precision = sum(parameter.numel() for parameter in policy.names.values() if parameter.dtype != torch.float32)
    trained_bytes = sum(parameter.numel() * parameter.element_size() for parameter in policy.names.values())
    weights = sum(parameter.numel() * parameter.element_size() for parameter in policy.model.parameters())
    return MemoryByPart(
        weights=weights,
        trained_weights=trained_bytes,
        gradients=4 * trained,
        optimiser=8 * trained * optimisers + 4 * low_precision,
        reference=trained_bytes if reference else 0,
        resident=max(0, in_use_before - weights),
        activations=activations,
        cache=cache_tokens * _cache_bytes_per_token(policy),
        available=_available(policy.device, in_use_before),
    )


def _cache_bytes_per_token(policy: Policy) -> int:
    config = policy.model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * torch.empty((), dtype=policy.dtype).element_size()


def in_use(device: torch.device) -> int:
    """Bytes that this process has of the device's memory now."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    return psutil.Process().memory_info().rss


def _peak(device: torch.device) -> int:
    """The most it ever had, bytes; 0 where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _available(device: torch.device, in_use_now: int) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + in_use_now
    return psutil.virtual_memory().available + in_use_now
