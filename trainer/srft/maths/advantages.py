"""S4: from the rewards of a group to advantages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EPSILON = 1e-6


def group_advantages(rewards_G: Sequence[float], *, divide_by_std: bool) -> np.ndarray:
    """Advantages of one group: A = (R - mean) / (std + 1e-6), SRFT Eq. 7.

    `rewards_G`: rewards of all members, demonstration included. Returns [G] float64.
    The standard deviation is unbiased (ddof 1); without `divide_by_std` A = R - mean (Dr.GRPO, LUFFY).
    A group whose rewards are all equal gets zeros; a group of one keeps its reward (mean 0, std 1, as in verl).
    """
    rewards = np.asarray(rewards_G, dtype=np.float64)
    if rewards.size == 1:
        return rewards
    if np.all(rewards == rewards[0]):
        return np.zeros_like(rewards)
    centred = rewards - rewards.mean()
    return centred / (rewards.std(ddof=1) + EPSILON) if divide_by_std else centred


def has_mixed_outcomes(correct_G: Sequence[bool]) -> bool:
    """Does the group hold both right and wrong answers, so that it can teach anything (DAPO)?"""
    return len(set(correct_G)) > 1
