"""`srft check`: what a run would be like, measured on a few real rollouts before hours are spent."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from srft.check_report import CheckReport, Finding, Measured, in_bytes, in_percent
from srft.collect import accepts
from srft.config import DataConfig
from srft.cut_demonstrations import CutDemonstrations, cut_demonstrations
from srft.data import find_overlap, seam_report
from srft.engine.memory import MemoryByPart, Peak, in_use, memory_by_part
from srft.engine.update import count, differentiate, micro_batches, statistics, token_batch
from srft.ledger import Ledger
from srft.maths.objectives import Update
from srft.methods.method import Group, Method
from srft.preparation import Prepared, Say, prepared
from srft.prompts import PromptSource
from srft.recipe import LoadedRecipe
from srft.rows import Kind
from srft.run_directory.space import predict_bytes

PROBE_PROMPTS = 8


def check_recipe(loaded: LoadedRecipe, say: Say, run_dir: Path | None = None) -> CheckReport:
    """Load everything, write a few rollouts, train on them without a step. Raises `InputError` as `train` would."""
    with prepared(loaded, say) as ready:
        method = ready.phases[-1].method
        say(f"writing rollouts for {min(PROBE_PROMPTS, ready.recipe.training.prompts_per_step)} prompts")
        groups, generate_seconds = _probe(ready, method)
        say("measuring a training pass")
        updates = method.updates(groups, 1)
        in_use_before = in_use(ready.policy.device)
        activations, train_seconds = _train_once(ready, updates)
        memory = _memory(ready, method, groups, in_use_before, activations)
        measured = _measured(ready, groups, updates, generate_seconds, train_seconds, memory, run_dir or Path.cwd())
        cut = cut_demonstrations(ready.problems, ready.recipe)
        return CheckReport(
            measured=measured,
            findings=_findings(ready, measured, cut),
            seam=str(seam_report(_with_demonstration(ready), ready.policy.tokenizer)),
            cut=cut,
        )


def _probe(ready: Prepared, method: Method) -> tuple[list[Group], float]:
    source = PromptSource(ready.problems, ready.recipe.seed)
    prompts = min(PROBE_PROMPTS, ready.recipe.training.prompts_per_step)
    drawn = source.draw(prompts, lambda problem: accepts(method, problem), {})
    ledger = Ledger()
    groups = ready.collector.groups(
        [(item, method.compose(item.problem, 1)) for item in drawn],
        step=0,
        first_group=0,
        policy_version=0,
        ledger=ledger,
        watch=None,
    )
    return groups, ledger.seconds()["seconds/generate"]


def _train_once(ready: Prepared, updates: Sequence[Update]) -> tuple[int, float]:
    """Bytes it took at its peak beside gradients, and the seconds of forward and backward; no weight changes."""
    temperature = ready.recipe.rollouts.temperature or 1.0
    peak, begin = Peak(ready.policy.model, ready.policy.device), time.perf_counter()
    for update in updates:
        rows = [row.row for row in update.rows]
        for numbers in micro_batches(ready.training_pass, rows, ready.recipe.training.micro_batch_tokens):
            micro = [update.rows[number] for number in numbers]
            with peak.forward():
                logprob_N, entropy_N, row_N = statistics(
                    ready.training_pass,
                    [row.row for row in micro],
                    temperature,
                    entropy_gradient=any(term.reaches_entropy for term in update.terms),
                )
            batch = token_batch(micro, logprob_N, entropy_N, row_N, None)
            parts = differentiate(update.terms, batch, count(update.rows), count(micro))
            torch.autograd.backward([logprob_N], [parts.logprob_gradient_N])
    seconds, gradients = time.perf_counter() - begin, 0
    for parameter in ready.policy.names.values():
        gradients += 0 if parameter.grad is None else parameter.grad.nbytes
        parameter.grad = None
    return max(0, peak.bytes() - gradients), seconds


def _measured(
    ready: Prepared,
    groups: Sequence[Group],
    updates: Sequence[Update],
    generate_seconds: float,
    train_seconds: float,
    memory: MemoryByPart,
    run_dir: Path,
) -> Measured:
    recipe = ready.recipe
    rows = [row for group in groups for row in group.rows]
    own = [row for row in rows if row.kind is not Kind.DEMONSTRATION]
    demos = [row for row in rows if row.kind is Kind.DEMONSTRATION]
    written = sum(len(row.token_ids) for row in own)
    trained = sum(len(row.row.token_ids) for update in updates for row in update.rows)
    scale = recipe.training.prompts_per_step / len(groups)
    step_seconds = (generate_seconds + train_seconds) * scale
    evaluations, answers = _evaluation_answers(ready)
    seconds_per_answer = generate_seconds / len(own) if own else 0.0
    mean_response = float(np.mean([len(row.token_ids) for row in rows]))
    records = predict_bytes(
        steps=recipe.training.steps,
        groups_per_step=recipe.training.prompts_per_step,
        rows_per_group=round(len(rows) / len(groups)),
        mean_response_tokens=mean_response,
        mean_prompt_tokens=float(np.mean([len(group.problem.prompt_ids) for group in groups])),
        terms=max((len(update.terms) for update in updates), default=1),
        max_gb=recipe.recording.max_gb,
        share_beyond=recipe.recording.share_beyond,
        evaluation_rows=evaluations * answers,
    )
    kept = recipe.checkpoint.keep_last + recipe.checkpoint.keep_best
    outcomes = [{row.correct for row in group.rows if row.kind is not Kind.DEMONSTRATION} for group in groups]
    return Measured(
        prompts=len(groups),
        rollouts=len(own),
        tokens_per_second=written / generate_seconds if own and generate_seconds else None,
        train_tokens_per_second=trained / train_seconds,
        mean_length=written / len(own) if own else None,
        truncated_share=float(np.mean([row.truncated for row in own])) if own else None,
        correct_share=float(np.mean([row.correct for row in own])) if own else None,
        mixed_groups_share=float(np.mean([len(outcome) > 1 for outcome in outcomes])) if own else None,
        demonstrations_correct_share=float(np.mean([row.correct for row in demos])) if demos else None,
        step_seconds=step_seconds,
        run_seconds=recipe.training.steps * step_seconds + evaluations * answers * seconds_per_answer,
        memory=memory,
        records=records,
        checkpoint_bytes=kept * memory.trained_weights + memory.optimiser,
        free_disk_bytes=shutil.disk_usage(run_dir).free,
    )


def _memory(
    ready: Prepared, method: Method, groups: Sequence[Group], in_use_before: int, activations: int
) -> MemoryByPart:
    recipe = ready.recipe
    own = sum(row.kind is not Kind.DEMONSTRATION for group in groups for row in group.rows)
    rows_per_step = own * round(recipe.training.prompts_per_step / len(groups))
    longest = max(len(group.problem.prompt_ids) for group in groups) + recipe.rollouts.max_tokens
    return memory_by_part(
        ready.policy,
        optimisers=len(method.needs.optimisers),
        in_use_before=in_use_before,
        activations=activations,
        cache_tokens=min(recipe.rollouts.batch_tokens, rows_per_step * longest),
        reference=method.needs.reference is not None,
    )


def _evaluation_answers(ready: Prepared) -> tuple[int, int]:
    """How often the held-out problems and the probes are asked, and how many answers each time."""
    config, probes = ready.recipe.evaluation, ready.recipe.probes
    if config is None:
        return 0, 0
    passes = math.ceil(ready.recipe.training.steps / config.every) + 1
    of_probes = 0 if probes is None else len(ready.probes) * probes.samples
    return passes, len(ready.held_out) * (config.samples + 1) + of_probes


def _findings(ready: Prepared, measured: Measured, cut: CutDemonstrations | None) -> list[Finding]:
    found: list[Finding] = []

    def add(level: Literal["error", "warning", "note"], key: str, message: str, remedy: str) -> None:
        found.append(Finding(level=level, key=key, message=message, remedy=remedy))

    needed, free = measured.records.total + measured.checkpoint_bytes, measured.free_disk_bytes
    if needed > free:
        message = f"the run needs about {in_bytes(needed)} of disk and {in_bytes(free)} are free"
        add("error", "recording.max_gb", message, "free space, lower recording.max_gb or keep fewer checkpoints")
    memory, available = measured.memory.total, measured.memory.available
    if memory > available:
        message = f"the run needs about {in_bytes(memory)} of memory and {in_bytes(available)} are free"
        add("error", "training.micro_batch_tokens", message, f"the largest part is {measured.memory.largest}")
    if measured.truncated_share is not None and measured.truncated_share > 0.25:
        message = f"{in_percent(measured.truncated_share)} of the rollouts reach the length limit"
        add("warning", "rollouts.max_tokens", message, "raise it, or shorten what the prompt asks for")
    if measured.mixed_groups_share == 0:
        message = f"no group has right and wrong answers ({in_percent(measured.correct_share)} are right)"
        add("warning", "data", message, "take easier or harder problems, or more rollouts a prompt")
    if measured.demonstrations_correct_share is not None and measured.demonstrations_correct_share < 1:
        message = (
            f"only {in_percent(measured.demonstrations_correct_share)} of the probed demonstrations are judged right"
        )
        add("warning", "data", message, "mend or drop the others, or look whether the reward fits the answers")
    if cut is not None:
        what = "demonstration is" if cut.total == 1 else "demonstrations are"
        message = f"{cut.total} {what} longer than {cut.limit} tokens and cut there, teaching no end ({cut.named})"
        add("warning", cut.key, message, f"set {cut.key} to at least {cut.longest}, or shorten or remove them")
    for key, config, problems in (
        ("evaluation.data", ready.recipe.evaluation, ready.held_out),
        ("final_evaluation.data", ready.recipe.final_evaluation, ready.final),
    ):
        if config is not None:
            overlap = find_overlap(problems, ready.problems)
            if overlap.any:
                add("warning", key, str(overlap), "remove them from one of the two sets")
    if isinstance(ready.recipe.data, DataConfig) and ready.recipe.evaluation is None:
        add("note", "evaluation", "nothing is held out, so learning and memorising look the same", "add `evaluation`")
    return found


def _with_demonstration(ready: Prepared):
    with_one = (problem for problem in ready.problems if problem.demonstration_ids is not None)
    return next(with_one, ready.problems[0])
