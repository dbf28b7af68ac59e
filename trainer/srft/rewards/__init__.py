"""Rewards: how a response is judged. The `Judge` is the only judge: of training, of evaluation, of `srft verify`."""

from srft.rewards.in_process import InProcess
from srft.rewards.judge import Judge, Response, StartFunction, Verdict, needs_answer
from srft.rewards.worker import in_own_process

__all__ = ["InProcess", "Judge", "Response", "StartFunction", "Verdict", "in_own_process", "needs_answer"]
