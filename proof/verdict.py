"""What came of one case, and of many together."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from proof.checker import Findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass
class Figures:
    """What was counted; all may be added up."""

    cases: int = 0
    kills: int = 0
    resent: int = 0
    """Writes that the server had carried out before."""
    records: int = 0
    """Records that were read or written in runs that nothing disturbed, by ``requests`` requests."""
    requests: int = 0
    disturbed_records: int = 0
    disturbed_requests: int = 0
    recovered: int = 0
    recovery_seconds: float = 0.0
    """How long the runs after a kill took."""

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass
class Verdict:
    """What came of a case, by its part of the proof and its name, from which it can be repeated."""

    part: str
    name: str
    findings: Findings = field(default_factory=Findings)
    figures: Figures = field(default_factory=Figures)


def together(part: str, verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for a part; each finding names its case."""
    whole = Verdict(part, part)
    for each in verdicts:
        whole.figures += each.figures
        for kind in fields(Findings):
            getattr(whole.findings, kind.name).extend(
                f"{each.name}: {sentence}" for sentence in getattr(each.findings, kind.name)
            )
    return whole


def total(parts: Sequence[Verdict]) -> Verdict:
    """All parts; each finding names its part."""
    return together("all", [replace(each, name=each.part) for each in parts])
