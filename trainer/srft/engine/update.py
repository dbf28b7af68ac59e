"""One optimiser update: forward, every term's pull on every token, one division by Z, backward, step.

The pull of a term on a token is -Z dL/dlog p: the derivative, its sign turned, of the term's sum over tokens. It is
taken from autograd at the loss head's outputs, so it is exact for every method, and it is the same derivative that then
flows back into the model: what is recorded is what was trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from srft.engine.optimiser import Optimiser
from srft.engine.ranks import Ranks
from srft.engine.training_pass import TrainingPass
from srft.maths.objectives import RowWeight, Term, Update
from srft.maths.tokens import Counts, MeanEntropy, TokenBatch
from srft.rows import Kind, Row, TrainingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFigures:
    """What an update computed for a row's T tokens, all float32."""

    logprobs: np.ndarray
    entropies: np.ndarray
    pulls: Mapping[str, np.ndarray]
    """By term: -Z dL/dlog p."""
    entropy_pull: np.ndarray | None
    """-Z dL/dH, summed over terms; None where no term reaches the entropy."""
    weights: Mapping[str, float]
    """The sequence's weights, where it has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """One executed update."""

    losses: Mapping[str, float]
    """By term, divided by its Z; their sum is the loss."""
    gradient_norm: float
    applied: bool
    figures: Sequence[RowFigures]
    """In the order of the update's rows."""
    non_finite: Sequence[str] = field(default_factory=tuple)
    """Names of losses that were NaN or infinite, and `gradient`; the update was then left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSettings:
    """What stays the same over a run."""

    temperature: float
    """Of the rollouts: log-probs and entropies are of logits / temperature everywhere."""
    micro_batch_tokens: int
    ranks: Ranks


def apply_update(
    update: Update,
    *,
    training_pass: TrainingPass,
    optimiser: Optimiser,
    learning_rate: float,
    settings: UpdateSettings,
    mean_entropy: MeanEntropy | None = None,
) -> UpdateResult:
    """Execute one update; `update.rows` are this rank's share of its rows."""
    rows, terms = update.rows, update.terms
    update_counts = settings.ranks.sum_counts(count(rows))
    figures: dict[int, RowFigures] = {}
    losses: dict[str, Tensor] = {}
    for numbers in micro_batches(training_pass, [row.row for row in rows], settings.micro_batch_tokens):
        micro_rows = [rows[number] for number in numbers]
        logprob_N, entropy_N, row_N = statistics(
            training_pass,
            [row.row for row in micro_rows],
            settings.temperature,
            entropy_gradient=any(term.reaches_entropy for term in terms),
        )
        batch = token_batch(micro_rows, logprob_N, entropy_N, row_N, mean_entropy)
        micro = differentiate(terms, batch, update_counts, count(micro_rows))
        outputs, gradients = [logprob_N], [micro.logprob_gradient_N]
        if micro.entropy_gradient_N is not None:
            outputs.append(entropy_N)
            gradients.append(micro.entropy_gradient_N)
        torch.autograd.backward(outputs, gradients)
        optimiser.gather()
        for name, value in micro.losses.items():
            losses[name] = losses[name] + value if name in losses else value
        for number, row_figures in zip(numbers, _figures_by_row(batch, micro, update.weights), strict=True):
            figures[number] = row_figures
    totals = _loss_values(terms, losses, settings.ranks)
    if settings.ranks.size > 1:
        settings.ranks.sum_tensors(optimiser.gradients())
    non_finite = [f"loss/{name}" for name, value in totals.items() if not math.isfinite(value)]
    outcome = optimiser.skip() if non_finite else optimiser.step(learning_rate)
    if not math.isfinite(outcome.gradient_norm):
        non_finite.append("gradient/norm")
    return UpdateResult(
        losses=totals,
        gradient_norm=outcome.gradient_norm,
        applied=outcome.applied,
        figures=[figures[number] for number in range(len(rows))],
        non_finite=tuple(non_finite),
    )


def statistics(
    training_pass: TrainingPass, rows: Sequence[Row], temperature: float, *, entropy_gradient: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-prob [N], entropy [N] and row [N] of all response tokens of `rows`, differentiable where gradients are on.

    The entropy only with `entropy_gradient`: without, the head computes less.
    """
    hidden_NH, target_N, row_N = training_pass.hidden(
        [(row.problem.prompt_ids, row.token_ids.tolist()) for row in rows]
    )
    logprob_N, entropy_N = training_pass.token_statistics(
        hidden_NH, target_N, temperature=temperature, entropy_gradient=entropy_gradient
    )
    return logprob_N, entropy_N, row_N


def score(
    training_pass: TrainingPass, rows: Sequence[Row], *, temperature: float, micro_batch_tokens: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """[T] log-probs and [T] entropies of each row under the weights as they are, without gradient."""
    scored: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    with torch.no_grad():
        for numbers in micro_batches(training_pass, rows, micro_batch_tokens):
            logprob_N, entropy_N, _ = statistics(
                training_pass, [rows[number] for number in numbers], temperature, entropy_gradient=False
            )
            lengths = [len(rows[number].token_ids) for number in numbers]
            for number, logprobs, entropies in zip(
                numbers, _split(logprob_N, lengths), _split(entropy_N, lengths), strict=True
            ):
                scored[number] = (logprobs, entropies)
    return [scored[number] for number in range(len(rows))]


def micro_batches(training_pass: TrainingPass, rows: Sequence[Row], max_tokens: int) -> list[list[int]]:
    """Row numbers of each forward pass: at most `max_tokens` tokens, groups together, similar lengths together."""
    return training_pass.micro_batches(
        [(row.problem.prompt_ids, len(row.token_ids)) for row in rows], max_tokens=max_tokens
    )


def count(rows: Sequence[TrainingRow]) -> Counts:
    """The counts of some rows."""
    demonstrations = [row.row for row in rows if row.row.kind is Kind.DEMONSTRATION]
    return Counts(
        rows=len(rows),
        demo_rows=len(demonstrations),
        tokens=sum(len(row.row.token_ids) for row in rows),
        demo_tokens=sum(len(row.token_ids) for row in demonstrations),
    )


def token_batch(
    rows: Sequence[TrainingRow], logprob_N: Tensor, entropy_N: Tensor, row_N: Tensor, mean_entropy: MeanEntropy | None
) -> TokenBatch:
    """The batch a term sees; `logprob_N` and `entropy_N` become leaves, cut from the model."""
    device = logprob_N.device
    lengths = [len(row.row.token_ids) for row in rows]

    def per_token(values: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
        joined = np.concatenate(values) if values else np.zeros(0)
        return torch.from_numpy(np.ascontiguousarray(joined)).to(device, dtype)

    def per_row(values: Sequence[bool]) -> Tensor:
        return torch.tensor(values, dtype=torch.bool, device=device)

    nan = [np.full(length, np.nan, np.float32) for length in lengths]
    sampled_N = per_token(
        [nan[i] if row.row.logprobs is None else row.row.logprobs for i, row in enumerate(rows)], logprob_N.dtype
    )
    references = [row.reference_logprobs for row in rows]
    return TokenBatch(
        logprob_N=logprob_N.detach().requires_grad_(),
        entropy_N=entropy_N.detach().requires_grad_(),
        row_N=row_N,
        old_logprob_N=torch.where(sampled_N.isnan(), logprob_N.detach(), sampled_N),
        reference_logprob_N=None
        if any(reference is None for reference in references)
        else per_token([reference for reference in references if reference is not None], logprob_N.dtype),
        origin_N=per_token(
            [np.arange(length) < row.row.prefix_length for length, row in zip(lengths, rows, strict=True)], torch.bool
        ),
        advantage_N=per_token(
            [np.broadcast_to(np.float64(row.advantage), length) for length, row in zip(lengths, rows, strict=True)],
            logprob_N.dtype,
        ),
        demo_B=per_row([row.row.kind is Kind.DEMONSTRATION for row in rows]),
        correct_B=per_row([row.row.correct for row in rows]),
        mixed_B=per_row([row.mixed for row in rows]),
        truncated_B=per_row([row.row.truncated for row in rows]),
        length_B=torch.tensor(lengths, dtype=logprob_N.dtype, device=device),
        mean_entropy=mean_entropy,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivatives:
    """A micro-batch's share of the loss and its derivatives at the head's outputs."""

    losses: Mapping[str, Tensor]
    logprob_gradient_N: Tensor
    """dL/dl."""
    entropy_gradient_N: Tensor | None
    """dL/dH; None where no term reaches it."""
    pulls_N: Mapping[str, Tensor]
    entropy_pull_N: Tensor | None


def differentiate(terms: Sequence[Term], batch: TokenBatch, update: Counts, micro: Counts) -> Derivatives:
    """Each term's derivative by itself, so that its pull is known, then their sum over Z."""
    losses: dict[str, Tensor] = {}
    pulls: dict[str, Tensor] = {}
    logprob_gradient_N = torch.zeros_like(batch.logprob_N)
    entropy_gradient_N: Tensor | None = None
    entropy_pull_N: Tensor | None = None
    for term in terms:
        z = term.normaliser.z(update, micro)
        if z == 0:
            continue
        total = term.summand_N(batch).sum()
        losses[term.name] = total.detach() / z
        if not total.requires_grad:
            continue
        by_logprob, by_entropy = torch.autograd.grad(total, (batch.logprob_N, batch.entropy_N), allow_unused=True)
        if by_logprob is not None:
            pulls[term.name] = -by_logprob
            logprob_gradient_N += by_logprob / z
        if by_entropy is not None:
            if not term.reaches_entropy:
                raise ValueError(f"the term {term.name!r} reaches the entropy and does not say so")
            entropy_pull_N = -by_entropy if entropy_pull_N is None else entropy_pull_N - by_entropy
            share_N = by_entropy / z
            entropy_gradient_N = share_N if entropy_gradient_N is None else entropy_gradient_N + share_N
    return Derivatives(
        losses=losses,
        logprob_gradient_N=logprob_gradient_N,
        entropy_gradient_N=entropy_gradient_N,
        pulls_N=pulls,
        entropy_pull_N=entropy_pull_N,
    )


def _figures_by_row(batch: TokenBatch, micro: Derivatives, weights: Sequence[RowWeight]) -> list[RowFigures]:
    lengths = [int(length) for length in batch.length_B.tolist()]
    logprobs, entropies = _split(batch.logprob_N, lengths), _split(batch.entropy_N, lengths)
    pulls = {name: _split(pull_N, lengths) for name, pull_N in micro.pulls_N.items()}
    entropy_pulls = None if micro.entropy_pull_N is None else _split(micro.entropy_pull_N, lengths)
    with torch.no_grad():
        by_name = {weight.name: weight.per_row(batch).tolist() for weight in weights}
    return [
        RowFigures(
            logprobs=logprobs[i],
            entropies=entropies[i],
            pulls={name: pull[i] for name, pull in pulls.items()},
            entropy_pull=None if entropy_pulls is None else entropy_pulls[i],
            weights={name: values[i] for name, values in by_name.items() if not math.isnan(values[i])},
        )
        for i in range(len(lengths))
    ]


def _split(values_N: Tensor, lengths: Sequence[int]) -> list[np.ndarray]:
    return np.split(values_N.detach().float().cpu().numpy(), np.cumsum(lengths)[:-1])


def _loss_values(terms: Sequence[Term], losses: Mapping[str, Tensor], ranks: Ranks) -> dict[str, float]:
    none = torch.zeros((), dtype=torch.float64)
    totals = torch.stack([losses[term.name].double().cpu() if term.name in losses else none for term in terms])
    ranks.sum_tensors([totals])
    return dict(zip((term.name for term in terms), totals.tolist(), strict=True))
