"""The entropy weights of SRFT, detached: w_SFT = 0.5 exp(-H) (Eq. 8) and w_RL = 0.1 exp(+H) (Eq. 12)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from typing_extensions import assert_never

from srft.maths.tokens import TokenBatch

EntropyScope = Literal["token", "sequence", "batch"]


def entropy_weight(entropy: Tensor, *, scale: float, sign: Literal[-1, 1]) -> Tensor:
    """scale * exp(sign * H), of the same shape, without gradient."""
    return scale * torch.exp(sign * entropy.detach())


def scoped_entropy_N(batch: TokenBatch, scope: EntropyScope) -> Tensor:
    """[N] the H that weighs each token: its own, its sequence's mean, or its stream's mean over the whole update."""
    match scope:
        case "token":
            return batch.entropy_N.detach()
        case "sequence":
            return batch.row_entropy_B()[batch.row_N]
        case "batch":
            if batch.mean_entropy is None:
                raise ValueError("entropy scope `batch` needs the update's mean entropy; the method must declare it")
            own = torch.full_like(batch.entropy_N, batch.mean_entropy.own)
            return torch.where(batch.demo_N, torch.full_like(own, batch.mean_entropy.demo), own)
        case _:
            assert_never(scope)
