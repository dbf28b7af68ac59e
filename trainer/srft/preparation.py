"""From a recipe to everything a run needs, checked: model, problems, judge, sampler, phases. Nothing is written yet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from srft.collect import Collector
from srft.config import DataConfig, Recipe, resolve
from srft.data import load_problems, require_demonstrations, token_bytes
from srft.data.places import shown_path
from srft.engine.policy import Policy, load_policy
from srft.engine.sampler import make_sampler
from srft.engine.training_pass import TrainingPass, make_training_pass
from srft.errors import InputError
from srft.methods import Phase, phases_of
from srft.probes import probe_problems
from srft.recipe import LoadedRecipe
from srft.rewards import Judge, needs_answer
from srft.rows import Problem

Say = Callable[[str], None]
_STDERR = 2
"""What a user's reward prints goes where the trainer's own words go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What `train`, `check` and `evaluate` share."""

    loaded: LoadedRecipe
    recipe: Recipe
    """Resolved."""
    policy: Policy
    training_pass: TrainingPass
    collector: Collector
    phases: Sequence[Phase]
    problems: Sequence[Problem]
    held_out: Sequence[Problem]
    """Empty without `evaluation`."""
    final: Sequence[Problem]
    """Empty without `final_evaluation`."""
    probes: Sequence[Problem]
    """Some of `problems`; empty without `probes`."""

    @property
    def base_dir(self) -> Path:
        """Paths in the recipe are relative to it."""
        return self.loaded.base_dir

    def row_counts(self) -> list[int]:
        """Sizes of the sets there are."""
        sizes = [len(self.problems)]
        if self.recipe.evaluation is not None:
            sizes.append(len(self.held_out))
        if self.recipe.final_evaluation is not None:
            sizes.append(len(self.final))
        return sizes


@contextlib.contextmanager
def prepared(loaded: LoadedRecipe, say: Say, checkpoint: Path | None = None) -> Generator[Prepared, None, None]:
    """Load and check all a recipe names; with `checkpoint` the weights come from there. Raises `InputError`."""
    recipe, where = resolve(loaded.recipe), shown_path(loaded.path)
    say(f"loading the model {recipe.model.path}")
    policy = load_policy(recipe.model, loaded.base_dir, seed=recipe.seed, where=where, checkpoint=checkpoint)
    say("reading the problems")
    problems = _problems(recipe, recipe.data, loaded.base_dir, policy)
    held_out = [] if recipe.evaluation is None else _problems(recipe, recipe.evaluation.data, loaded.base_dir, policy)
    final_set = recipe.final_evaluation
    final = [] if final_set is None else _problems(recipe, final_set.data, loaded.base_dir, policy)
    probes = [] if recipe.probes is None else probe_problems(recipe.probes, problems, recipe.data, where)
    phases = phases_of(recipe)
    for phase in phases:
        if phase.method.needs.demonstrations == "required":
            require_demonstrations(problems, recipe.data.path, phase.method.name)
    _check_context(recipe, policy, [*problems, *held_out, *final], where)
    with Judge(recipe.reward, loaded.base_dir, think_tags=recipe.prompt.think_tags, stderr=_STDERR) as judge:
        yield Prepared(
            loaded=loaded,
            recipe=recipe,
            policy=policy,
            training_pass=make_training_pass(policy.model, gradient_checkpointing=recipe.model.gradient_checkpointing),
            collector=Collector(
                recipe=recipe,
                sampler=make_sampler(policy.model, policy.end_token_ids, batch_tokens=recipe.rollouts.batch_tokens),
                judge=judge,
                token_bytes=token_bytes(policy.tokenizer, policy.vocabulary),
                end_token_ids=policy.end_token_ids,
                demonstration_verdicts={},
            ),
            phases=phases,
            problems=problems,
            held_out=held_out,
            final=final,
            probes=probes,
        )


def _problems(recipe: Recipe, data: DataConfig, base_dir: Path, policy: Policy) -> list[Problem]:
    limit = recipe.training.max_response_tokens or recipe.rollouts.max_tokens
    return load_problems(
        data,
        recipe.prompt,
        policy.tokenizer,
        base_dir,
        limit,
        end_token_ids=sorted(policy.end_token_ids),
        answer_required=needs_answer(recipe.reward),
    )


def _check_context(recipe: Recipe, policy: Policy, problems: Sequence[Problem], where: str) -> None:
    if policy.context is None:
        return
    longest_prompt = max(len(problem.prompt_ids) for problem in problems)
    longest_demonstration = max(
        (len(problem.demonstration_ids) for problem in problems if problem.demonstration_ids is not None), default=0
    )
    limits: list[tuple[str, int]] = [("rollouts.max_tokens", recipe.rollouts.max_tokens)]
    if recipe.evaluation is not None:
        limits.append(("evaluation.sampling.max_tokens", recipe.evaluation.sampling.max_tokens))
    if recipe.final_evaluation is not None:
        limits.append(("final_evaluation.sampling.max_tokens", recipe.final_evaluation.sampling.max_tokens))
    if recipe.probes is not None:
        limits.append(("probes.sampling.max_tokens", recipe.probes.sampling.max_tokens))
    if recipe.training.max_response_tokens is not None:
        limits.append(("training.max_response_tokens", min(recipe.training.max_response_tokens, longest_demonstration)))
    if longest_prompt >= policy.context:
        raise InputError(
            f"the longest prompt has {longest_prompt} tokens, and the model's context is {policy.context}",
            where=where,
            remedy=f"set prompt.max_tokens below {policy.context} to be told which prompts are too long, or take a "
            "model with a longer context",
        )
    for key, tokens in limits:
        if longest_prompt + tokens > policy.context:
            raise InputError(
                f"the longest prompt has {longest_prompt} tokens and {key} allows {tokens}, together more than the "
                f"model's context of {policy.context}",
                where=where,
                remedy=f"set {key} to at most {policy.context - longest_prompt}",
            )
