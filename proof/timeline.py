"""One load that is killed again and again, and its picture: kills on a time line, each record once and only once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from proof.checker import judge
from proof.endings import end_of_write
from proof.history import History
from proof.kills import Case as Kill
from proof.kills import Killer
from proof.processes import Command
from proof.runs import given, keys_of, messages, note_invoked
from proof.server import LATE, Watched, writes
from proof.verdict import Figures, Verdict
from tests.contract.subjects import SUBJECTS
from tests.target_crm.processes import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from proof.history import Event

PART = "one load, killed again and again"
EVERY = 10
"""Records between two states."""
FONT = "font-family='Helvetica, Arial, sans-serif' font-size='13'"
LEFT, TOP, WIDTH, HEIGHT = 60, 50, 720, 260


@dataclass(frozen=True)
class Case:
    """``records`` new ones, by four workers, killed after each ``writes``-th write."""

    records: int
    writes: int

    @property
    def name(self) -> str:
        """What the case is called."""
        return f"alfacrm, {self.records} records, killed after every {self.writes}"

    def run(self, folder: Path) -> Verdict:
        """Starts the target until it ends by itself, and judges; the history stays in the folder."""
        subject, history = SUBJECTS["alfacrm"], History(folder / "history.jsonl")
        records = [given(subject, number) for number in range(self.records)]
        told, kill = lines_of(messages(subject, records, EVERY)), Kill("alfacrm", "written", "SIGKILL", "", self.writes)
        kills, code = 0, None
        with subject.start(5) as crm:
            crm.latency = LATE
            watched = Watched(crm, subject, history, keys_of(subject, records))
            more = {"identify_by": "ledger", "settle_seconds": 0, "parallel_requests": 4}
            config = {**subject.config(crm), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", **more}
            while code != 0:
                who = f"target {kills + 1}"
                note_invoked(history, who, records)
                process = Command("target", config, folder / who, told)
                killer = crm.fault = Killer(kill, writes, history)
                killer.aim(process.pid)
                code = end_of_write(history, who, process, records)
                kills += killer.is_done
            watched.holds_what_was_written()
        figures = Figures(cases=1, kills=kills, resent=watched.resent)
        return Verdict(PART, self.name, judge(history.close()), figures)


def picture(history: Sequence[Event]) -> str:
    """The history of such a load, as SVG."""
    made = [event for event in history if (event.type, event.do) == ("did", "create")]
    kills = [event.at for event in history if event.do == "kill"]
    holds = Counter(event.key for event in history if event.type == "holds")
    once = sum(times == 1 for times in holds.values())
    end = max(event.at for event in history)
    wide, high = WIDTH - LEFT - 20, HEIGHT - TOP - 40

    def x(at: float) -> float:
        return LEFT + at / end * wide

    def y(count: int) -> float:
        return TOP + high - count / max(len(made), 1) * high

    title = (
        f"{len(kills)} times kill -9 in {end:.0f} seconds: {once} of {len(holds)} records are there once, "
        f"{len(holds) - once} more than once"
    )
    return "\n".join(
        [
            (
                f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' {FONT} "
                f"aria-label='{escape(title)}'>"
            ),
            f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
            f"<text x='12' y='24' font-weight='bold'>{escape(title)}</text>",
            *(
                f"<line x1='{x(at):.1f}' y1='{TOP}' x2='{x(at):.1f}' y2='{TOP + high}' stroke='#cf222e'/>"
                for at in kills
            ),
            *_line((x(event.at), y(count)) for count, event in enumerate(made, 1)),
            *_line(_acknowledged(history, x, y), colour="#1a7f37"),
            f"<text x='{LEFT - 8}' y='{y(len(made)) + 5:.1f}' text-anchor='end'>{len(made)}</text>",
            f"<text x='{LEFT - 8}' y='{y(0) + 5:.1f}' text-anchor='end'>0</text>",
            f"<text x='{LEFT}' y='{HEIGHT - 14}'>0 s</text>",
            f"<text x='{LEFT + wide}' y='{HEIGHT - 14}' text-anchor='end'>{end:.0f} s</text>",
            *_legend(),
            "</svg>",
            "",
        ]
    )


def _acknowledged(
    history: Sequence[Event], x: Callable[[float], float], y: Callable[[int], float]
) -> Iterator[tuple[float, float]]:
    """How many records a state had covered, at the moments at which that was known."""
    covered: set[str] = set()
    for event in history:
        if (event.type, event.do) == ("ok", "write") and event.key not in covered:
            covered.add(event.key)
            yield x(event.at), y(len(covered))


def _line(points: Iterator[tuple[float, float]], colour: str = "#0969da") -> list[str]:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [f"<polyline points='{drawn}' fill='none' stroke='{colour}' stroke-width='2'/>"]


def _legend() -> list[str]:
    entries = (("#0969da", "records that the CRM made"), ("#1a7f37", "acknowledged by STATE"), ("#cf222e", "kill -9"))
    return [
        part
        for place, (colour, words) in enumerate(entries)
        for part in (
            f"<rect x='{LEFT + 90 + place * 200}' y='{HEIGHT - 24}' width='12' height='12' fill='{colour}'/>",
            f"<text x='{LEFT + 108 + place * 200}' y='{HEIGHT - 14}'>{words}</text>",
        )
    ]
