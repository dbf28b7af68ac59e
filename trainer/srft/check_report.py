"""What `srft check` says, for programs and for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from srft.cut_demonstrations import CutDemonstrations
from srft.engine.memory import MemoryByPart
from srft.run_directory.space import SpacePrediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to mend or to know, at a key of the recipe."""

    level: Literal["error", "warning", "note"]
    key: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Figures of the probe; seconds and bytes are of this machine."""

    prompts: int
    rollouts: int
    tokens_per_second: float | None
    """While generating."""
    train_tokens_per_second: float
    mean_length: float | None
    truncated_share: float | None
    correct_share: float | None
    mixed_groups_share: float | None
    """Groups with right and wrong answers: without any, reinforcement has nothing to go by."""
    demonstrations_correct_share: float | None
    step_seconds: float
    run_seconds: float
    memory: MemoryByPart
    records: SpacePrediction
    checkpoint_bytes: int
    free_disk_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What `srft check` found."""

    measured: Measured
    findings: Sequence[Finding]
    seam: str
    cut: CutDemonstrations | None
    """Demonstrations longer than the limit; None when there are none."""

    @property
    def fits(self) -> bool:
        """No finding is an error."""
        return all(finding.level != "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "fits": self.fits,
            "measured": asdict(self.measured) | {"records_bytes": self.measured.records.total},
            "findings": [asdict(finding) for finding in self.findings],
            "seam": self.seam,
            "cut": None if self.cut is None else asdict(self.cut),
        }

    def as_text(self) -> str:
        """For people."""
        m = self.measured
        lines = [
            f"time      {_duration(m.run_seconds)} for the whole run, {m.step_seconds:.2f} s a step",
            f"speed     {_number(m.tokens_per_second)} tokens/s written, {_number(m.train_tokens_per_second)} trained",
            f"memory    {m.memory}",
            f"disk      {in_bytes(m.records.total)} of records, {in_bytes(m.checkpoint_bytes)} of checkpoints; "
            f"{in_bytes(m.free_disk_bytes)} free",
            f"rollouts  {in_percent(m.correct_share)} right, {in_percent(m.mixed_groups_share)} of groups mixed, "
            f"{in_percent(m.truncated_share)} truncated, {_number(m.mean_length)} tokens on average",
            f"demos     {in_percent(m.demonstrations_correct_share)} judged right",
            f"seam      {self.seam}",
        ]
        lines += [
            f"{finding.level:8}  {finding.key}: {finding.message}; {finding.remedy}." for finding in self.findings
        ]
        return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _number(value: float | None) -> str:
    return "no" if value is None else f"{value:,.0f}"


def in_percent(value: float | None) -> str:
    """A share for people."""
    return "none" if value is None else f"{value:.0%}"


def in_bytes(value: float) -> str:
    """An amount of memory or disk for people."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value / 1e3:.0f} kB"
