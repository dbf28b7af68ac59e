"""S7: AdamW over float32 masters, learning-rate schedule, clipping, and a state that survives a resume to the bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srft.config import OptimiserConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """What one optimiser step did."""

    gradient_norm: float
    """Global L2 norm before clipping."""
    applied: bool
    """False where the norm was not finite or above `skip_above`; the weights then stay."""


def master_weights(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Float32 copies of parameters of lower precision, the parameters themselves where they are float32.

    All optimisers of a run share one set, so that none steps from stale weights.
    """
    return {
        name: parameter if parameter.dtype == torch.float32 else parameter.detach().float()
        for name, parameter in parameters.items()
    }


class Optimiser:
    """AdamW on the master weights.

    Gradients are gathered in float32: each backward pass adds its own and frees them, so that bfloat16 weights lose
    neither small gradients over micro-batches nor small updates.
    """

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], masters: Mapping[str, Tensor], config: OptimiserConfig
    ) -> None:
        self._config = config
        self._parameters = parameters
        self._masters = masters
        decayed = [master for name, master in self._masters.items() if parameters[name].ndim >= 2]
        plain = [master for name, master in self._masters.items() if parameters[name].ndim < 2]
        self._adamw = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": config.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
            betas=config.betas,
            eps=config.eps,
            fused=all(master.device.type in ("cpu", "cuda") for master in self._masters.values()),
        )
        self.clear()

    def clear(self) -> None:
        """Forget gathered gradients."""
        self._gathered: dict[str, Tensor] = {}
        for parameter in self._parameters.values():
            parameter.grad = None

    def gather(self) -> None:
        """Take the parameters' gradients of one backward pass; call it after each."""
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            if name in self._gathered:
                self._gathered[name].add_(parameter.grad)
            else:
                self._gathered[name] = parameter.grad.float()
            parameter.grad = None

    def gradients(self) -> list[Tensor]:
        """The gathered gradients of all parameters, zeros where there was none, for summing over ranks."""
        for name, master in self._masters.items():
            if name not in self._gathered:
                self._gathered[name] = torch.zeros_like(master)
        return [self._gathered[name] for name in self._masters]

    def step(self, learning_rate: float) -> StepOutcome:
        """Clip, step, copy back. Leaves the weights alone when the norm is not finite or above `skip_above`."""
        gradients = list(self._gathered.values())
        norms = torch.nn.utils.get_total_norm(gradients) if gradients else torch.zeros(())
        norm = float(norms)
        limit = self._config.skip_above
        if not math.isfinite(norm) or not gradients or (limit is not None and norm > limit):
            return self.skip(norm)
        if self._config.clip is not None and norm > self._config.clip:
            torch._foreach_mul_(gradients, self._config.clip / (norm + 1e-6))
        for name, gradient in self._gathered.items():
            self._masters[name].grad = gradient
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                if parameter.dtype != torch.float32:
                    parameter.copy_(self._masters[name])
        self.clear()
        return StepOutcome(gradient_norm=norm, applied=True)

    def skip(self, gradient_norm: float = math.nan) -> StepOutcome:
        """Leave the weights alone and forget the gradients."""
        self.clear()
        return StepOutcome(gradient_norm=gradient_norm, applied=False)

    def state(self) -> dict[str, Tensor]:
        """Moments and step counts by parameter name, as plain tensors for a safetensors file."""
        tensors: dict[str, Tensor] = {}
        for name, master in self._masters.items():
            for key, value in self._adamw.state.get(master, {}).items():
                tensors[f"{key}/{name}"] = value.detach().cpu().clone()
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `state` gave; a name that is not there was never stepped."""
        for name, master in self._masters.items():
            stored = {
                key: tensors[f"{key}/{name}"] for key in ("step", "exp_avg", "exp_avg_sq") if f"{key}/{name}" in tensors
            }
            if stored:
                self._adamw.state[master] = {
                    key: value.clone()
                    if key == "step" and value.device == master.device
                    else value.to(master.device).clone()
                    for key, value in stored.items()
                }


def learning_rate(config: OptimiserConfig, *, peak: float, step: int, steps: int) -> float:
    """The rate of `step` (1 is the first) in a phase of `steps`: linear warm-up, then the schedule."""
    if step <= config.warmup_steps:
        return peak * step / config.warmup_steps
    if config.schedule == "constant":
        return peak
    progress = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    shape = 1 - progress if config.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return peak * (config.final_ratio + (1 - config.final_ratio) * shape)
