"""Rewards: how a response is judged. The `Judge` is the only judge: of training, of evaluation, of `srft verify`."""

from srft.rewards.judge import Judge, Response, Verdict, needs_answer

__all__ = ["Judge", "Response", "Verdict", "needs_answer"]
