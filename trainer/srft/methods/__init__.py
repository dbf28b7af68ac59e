"""The methods, and the phases a recipe asks for."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import assert_never

from srft.config import GrpoConfig, LuffyConfig, Recipe, SftConfig, SftThenRlConfig, SrftConfig, resolve_srft
from srft.methods.grpo import Grpo
from srft.methods.luffy import Luffy
from srft.methods.method import Method
from srft.methods.settings import StepSettings
from srft.methods.sft import Sft
from srft.methods.srft import Srft


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of steps under one method."""

    method: Method
    first_step: int
    """Steps count from 1."""
    last_step: int
    learning_rate: float
    """Peak."""


def phases_of(recipe: Recipe) -> list[Phase]:
    """The phases of a run, in order: one, or two for SFT then RL."""
    settings = StepSettings(
        updates_per_step=recipe.training.updates_per_step,
        longest=recipe.rollouts.max_tokens,
        correct_at=recipe.reward.correct_at,
    )
    steps, peak = recipe.training.steps, recipe.optimiser.learning_rate
    match recipe.method:
        case SftThenRlConfig() as two:
            first_peak = peak if two.sft_learning_rate is None else two.sft_learning_rate
            return [
                Phase(method=Sft(two.sft, settings), first_step=1, last_step=two.sft_steps, learning_rate=first_peak),
                Phase(
                    method=Grpo(two.grpo, settings),
                    first_step=two.sft_steps + 1,
                    last_step=steps,
                    learning_rate=peak,
                ),
            ]
        case _:
            method = _method(recipe.method, settings)
            return [Phase(method=method, first_step=1, last_step=steps, learning_rate=peak)]


def _method(config: SrftConfig | SftConfig | GrpoConfig | LuffyConfig, settings: StepSettings) -> Method:
    match config:
        case SrftConfig():
            return Srft(resolve_srft(config), settings)
        case SftConfig():
            return Sft(config, settings)
        case GrpoConfig():
            return Grpo(config, settings)
        case LuffyConfig():
            return Luffy(config, settings)
        case _:
            assert_never(config)
