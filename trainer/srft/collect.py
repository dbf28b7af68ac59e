"""S1 to S3: compositions become requests, requests become samples, samples are judged and become groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from srft.config import Recipe, SamplingConfig
from srft.data import response_text
from srft.engine.sampler import Sampler, Watch
from srft.ledger import Ledger
from srft.methods.method import Composition, Group, Method
from srft.prompts import Drawn, PromptSource
from srft.rewards import Judge, Response, Verdict
from srft.rows import Kind, Problem, Request, Row, Sample, SamplingSettings, StopReason, sample_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """What turns problems into judged groups; holds no state of the run but the judge's worker processes."""

    recipe: Recipe
    sampler: Sampler
    judge: Judge
    token_bytes: Sequence[bytes]
    """Raw bytes of every token."""
    end_token_ids: frozenset[int]
    demonstration_verdicts: dict[str, Verdict]
    """A demonstration is judged once a run."""

    def step_groups(
        self,
        method: Method,
        source: PromptSource,
        *,
        step: int,
        policy_version: int,
        ledger: Ledger,
        watch: Watch | None,
    ) -> tuple[list[Group], list[Group]]:
        """The step's groups, and those that dynamic sampling refused. Rounds of refilling end at the method's cap."""
        kept: list[Group] = []
        refused: list[Group] = []
        seen: dict[str, int] = {}
        wanted = self.recipe.training.prompts_per_step
        needs = method.needs
        for _ in range(needs.dynamic_sampling_rounds):
            drawn = source.draw(wanted - len(kept), lambda problem: accepts(method, problem), seen)
            first_group = len(kept) + len(refused)
            for group in self.groups(
                [(item, method.compose(item.problem, step)) for item in drawn],
                step=step,
                first_group=first_group,
                policy_version=policy_version,
                ledger=ledger,
                watch=watch,
            ):
                (kept if method.keeps(group) else refused).append(group)
            if len(kept) >= wanted:
                break
        return kept, refused

    def groups(
        self,
        compositions: Sequence[tuple[Drawn, Composition]],
        *,
        step: int,
        first_group: int,
        policy_version: int,
        ledger: Ledger,
        watch: Watch | None,
    ) -> list[Group]:
        """One judged group for each composition."""
        slots: list[_Slot] = []
        for place, (drawn, composition) in enumerate(compositions):
            slots.extend(self._slots(drawn, composition, step=step, group=first_group + place))
        with ledger.part("generate"):
            samples = self.sample([slot.request for slot in slots if slot.request], policy_version, watch)
        with ledger.part("reward"):
            rows = self._judged(slots, samples, policy_version)
        by_group: dict[int, list[Row]] = {}
        for row in rows:
            by_group.setdefault(row.group, []).append(row)
        return [Group(problem=group_rows[0].problem, rows=tuple(group_rows)) for group_rows in by_group.values()]

    def answers(
        self,
        problems: Sequence[Problem],
        settings: Sequence[SamplingSettings],
        *,
        kind: Kind,
        seed_of: Callable[[Problem, int], int],
        step: int,
        policy_version: int,
        watch: Watch | None,
    ) -> list[Group]:
        """Judged answers nobody trains on: of each problem, one at each of `settings`.

        `seed_of` is told the problem and the place of the setting.
        """
        slots = [(group, index) for group in range(len(problems)) for index in range(len(settings))]
        requests = [
            Request(
                id=place,
                prefix_ids=problems[group].prompt_ids,
                settings=settings[index],
                seed=seed_of(problems[group], index),
            )
            for place, (group, index) in enumerate(slots)
        ]
        answered = self.sample(requests, policy_version, watch)
        in_order = [answered[request.id] for request in requests]
        verdicts = self.judge_rows([problems[group] for group, _ in slots], in_order, settings[0].max_tokens)
        rows: list[list[Row]] = [[] for _ in problems]
        for (group, index), sample, verdict in zip(slots, in_order, verdicts, strict=True):
            rows[group].append(
                Row(
                    problem=problems[group],
                    step=step,
                    group=group,
                    index=index,
                    kind=kind,
                    token_ids=sample.token_ids,
                    stop_reason=sample.stop_reason,
                    policy_version=sample.policy_version,
                    reward=verdict.reward,
                    reward_parts=verdict.parts,
                    correct=verdict.correct,
                    logprobs=sample.logprobs,
                    entropies=sample.entropies,
                    note=verdict.note,
                )
            )
        return [Group(problem=problem, rows=tuple(own)) for problem, own in zip(problems, rows, strict=True)]

    def sample(self, requests: Sequence[Request], policy_version: int, watch: Watch | None) -> dict[int, Sample]:
        """All samples, by the place of their request."""
        numbered = {request.id: place for place, request in enumerate(requests)}
        samples = self.sampler.sample(requests, policy_version, watch) if requests else ()
        return {requests[numbered[sample.request_id]].id: sample for sample in samples}

    def judge_rows(self, problems: Sequence[Problem], samples: Sequence[Sample], max_tokens: int) -> list[Verdict]:
        """One verdict a sample."""
        return self.judge.score(
            [
                Response(
                    problem=problem,
                    text=response_text(self.token_bytes, sample.token_ids.tolist(), self.end_token_ids),
                    ended=sample.stop_reason is StopReason.END,
                    length_tokens=len(sample.token_ids),
                    max_tokens=max_tokens,
                )
                for problem, sample in zip(problems, samples, strict=True)
            ]
        )

    def _slots(self, drawn: Drawn, composition: Composition, *, step: int, group: int) -> list[_Slot]:
        problem, settings = drawn.problem, sampling_settings(self.recipe.rollouts)
        name = problem.id if drawn.occurrence == 0 else f"{problem.id}\x00{drawn.occurrence}"
        slots: list[_Slot] = []
        for prefix_length in [0] * composition.rollouts + list(composition.prefix_lengths):
            index = len(slots)
            prefix = (problem.demonstration_ids or ())[:prefix_length]
            request = Request(
                id=group * 1_000_000 + index,
                prefix_ids=(*problem.prompt_ids, *prefix),
                settings=settings,
                seed=sample_seed(self.recipe.seed, step, name, index),
            )
            slots.append(_Slot(problem, step, group, index, request, prefix_length))
        if composition.demonstrations:
            slots.append(_Slot(problem, step, group, len(slots), None, len(problem.demonstration_ids or ())))
        return slots

    def _judged(self, slots: Sequence[_Slot], samples: dict[int, Sample], policy_version: int) -> list[Row]:
        responses = [slot.response(samples, self.recipe.rollouts.max_tokens, policy_version) for slot in slots]
        verdicts: dict[int, Verdict] = {
            place: self.demonstration_verdicts[slot.problem.id]
            for place, slot in enumerate(slots)
            if slot.request is None and slot.problem.id in self.demonstration_verdicts
        }
        missing = [place for place in range(len(slots)) if place not in verdicts]
        for place, verdict in zip(
            missing,
            self.judge_rows(
                [slots[place].problem for place in missing],
                [responses[place] for place in missing],
                self.recipe.rollouts.max_tokens,
            ),
            strict=True,
        ):
            verdicts[place] = verdict
            if slots[place].request is None:
                self.demonstration_verdicts[slots[place].problem.id] = verdict
        return [slot.row(responses[place], verdicts[place]) for place, slot in enumerate(slots)]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in a group, before anything was sampled."""

    problem: Problem
    step: int
    group: int
    index: int
    request: Request | None
    """None: the demonstration itself."""
    prefix_length: int

    def response(self, samples: dict[int, Sample], max_tokens: int, policy_version: int) -> Sample:
        """The whole response: sampled, given, or a given beginning with its sampled continuation."""
        if self.request is None:
            ids = np.asarray(self.problem.demonstration_ids or (), dtype=np.int32)
            return Sample(
                request_id=-1,
                token_ids=ids,
                # A demonstration that was cut at the limit has no end token, and is judged so.
                stop_reason=StopReason.LENGTH if self.problem.demonstration_cut else StopReason.END,
                policy_version=policy_version,
                logprobs=None,
                entropies=None,
            )
        sample = samples[self.request.id]
        if self.prefix_length == 0:
            return sample
        prefix = np.asarray((self.problem.demonstration_ids or ())[: self.prefix_length], dtype=np.int32)
        nobody = np.full(self.prefix_length, np.nan, dtype=np.float32)
        return Sample(
            request_id=sample.request_id,
            token_ids=np.concatenate([prefix, sample.token_ids]),
            stop_reason=sample.stop_reason,
            policy_version=sample.policy_version,
            logprobs=None if sample.logprobs is None else np.concatenate([nobody, sample.logprobs]),
            entropies=None if sample.entropies is None else np.concatenate([nobody, sample.entropies]),
        )

    def row(self, response: Sample, verdict: Verdict) -> Row:
        """The judged row."""
        given = self.request is None
        return Row(
            problem=self.problem,
            step=self.step,
            group=self.group,
            index=self.index,
            kind=Kind.DEMONSTRATION if given else Kind.HYBRID if self.prefix_length else Kind.ROLLOUT,
            token_ids=response.token_ids,
            prefix_length=self.prefix_length,
            stop_reason=StopReason.GIVEN if given else response.stop_reason,
            policy_version=response.policy_version,
            reward=verdict.reward,
            reward_parts=verdict.parts,
            correct=verdict.correct,
            logprobs=response.logprobs,
            entropies=response.entropies,
            note=verdict.note,
        )


def accepts(method: Method, problem: Problem) -> bool:
    """May this problem be drawn for the method?"""
    return method.needs.demonstrations != "required" or problem.demonstration_ids is not None


def sampling_settings(config: SamplingConfig, *, greedy: bool = False) -> SamplingSettings:
    """The sampler's settings by the recipe; greedy keeps only the length limit."""
    if greedy:
        return SamplingSettings(temperature=0.0, max_tokens=config.max_tokens)
    return SamplingSettings(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        min_p=config.min_p,
        max_tokens=config.max_tokens,
    )
