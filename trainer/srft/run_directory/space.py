"""How much disk a run's records take, and which groups keep their tokens once there is too much."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from srft.run_directory.frames import FRAME_BYTES

GIGABYTE = 10**9

_INDEX_LINE_BYTES = 480
_HEAD_BYTES = 80
_STEP_EVENT_BYTES = 1_500
_SEQUENCE_HEAD_BYTES = FRAME_BYTES + 16
_TEXT_BYTES_PER_TOKEN = 4.0
"""English text with a usual vocabulary has 4 to 5 bytes a token; formulas fewer."""


@dataclass(frozen=True, slots=True)
class SpacePrediction:
    """What the records of a run will take, in bytes."""

    segments: int
    """`rollouts/*.seg`, after thinning."""
    index: int
    events: int
    thinned_from_step: int | None
    """The step from which only a share of the groups keeps its tokens; None: all keep them."""

    @property
    def total(self) -> int:
        """All of it; checkpoints come on top."""
        return self.segments + self.index + self.events


def keeps_tokens(seed: int, step: int, group: int, share: float) -> bool:
    """Is this group one of the seeded `share`?"""
    digest = hashlib.blake2b(f"{seed}\x00{step}\x00{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2**64


def predict_bytes(
    *,
    steps: int,
    groups_per_step: int,
    rows_per_group: int,
    mean_response_tokens: float,
    mean_prompt_tokens: float,
    terms: int,
    max_gb: float,
    share_beyond: float,
    evaluation_rows: int = 0,
    text_bytes_per_token: float = _TEXT_BYTES_PER_TOKEN,
) -> SpacePrediction:
    """The records of `steps` training steps and of `evaluation_rows` answers in the whole run.

    `terms` is the number of terms of the loss: each has a pull column.
    """
    trained = 4 + 2 + 4 + 4 + 4 + 4 * terms + 1  # id, byte_length, logprob, entropy, entropy_pull, pulls, origin
    sampled = 4 + 2 + 4 + 4
    fill = 3.5 * (5 + terms)
    prompt = _SEQUENCE_HEAD_BYTES + mean_prompt_tokens * (4 + 2 + text_bytes_per_token) + 10
    row = _SEQUENCE_HEAD_BYTES + mean_response_tokens * (trained + text_bytes_per_token) + fill
    answer = _SEQUENCE_HEAD_BYTES + mean_response_tokens * (sampled + text_bytes_per_token) + fill
    per_step = groups_per_step * (prompt + rows_per_group * row)
    evaluations = evaluation_rows * (answer + prompt)
    per_step_all = per_step + evaluations / steps
    limit = max_gb * GIGABYTE
    full_steps = min(steps, int(limit / per_step_all) + 1) if per_step_all > 0 else steps
    segments = full_steps * per_step_all + (steps - full_steps) * per_step_all * share_beyond
    index_line = _INDEX_LINE_BYTES + min(_HEAD_BYTES, mean_response_tokens * text_bytes_per_token)
    return SpacePrediction(
        segments=round(segments),
        index=round((steps * groups_per_step * rows_per_group + evaluation_rows) * index_line),
        events=steps * _STEP_EVENT_BYTES,
        thinned_from_step=full_steps + 1 if full_steps < steps else None,
    )
