"""``make mutants``: plants defects one by one in a copy of the tree, and sees which test notices.

A defect that hangs is noticed by the time that it takes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LIST = ROOT / "proof" / "mutants.yml"
PAGE = ROOT / "docs" / "mutants.md"
SURVIVED = "**survived**"
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_TESTS_FAILED = {1, 2}
"""Exit codes of pytest: a test, or its collection."""
LONGEST = 600
"""Seconds for the tests of one defect."""
APART = ("browser", "package", "recipes", "orchestrate")
"""Tests that need more than this machine has."""
ALL = ("-n", "auto", *(f"--ignore=tests/{each}" for each in APART), "tests")
HEAD = """# Planted defects

`make mutants` plants each of these {count} defects in a copy of the code and runs the tests: those that are named
for it first, and all others only if these pass. {caught} of {count} are noticed. A defect whose place in the code has
moved fails `make test`.

| planted | in | noticed by |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Mutant:
    """One defect: what stands once in a file, and what stands there instead; the tests that are asked first."""

    about: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def fits(self) -> bool:
        """Whether its place is still there."""
        return (ROOT / self.file).read_text("utf-8").count(self.old) == 1


def mutants() -> list[Mutant]:
    """All of them."""
    return [Mutant(**each) for each in yaml.safe_load(LIST.read_text("utf-8"))]


def noticed_by(mutant: Mutant, tree: Path, *, widely: bool) -> str:
    """The test that fails with the defect in the tree; empty where none does."""
    path = tree / mutant.file
    sound = path.read_text("utf-8")
    path.write_text(sound.replace(mutant.old, mutant.new), "utf-8")
    try:
        found = _first_failure(tree, mutant.tests.split())
        return found or (_first_failure(tree, ALL) if widely else "")
    finally:
        path.write_text(sound, "utf-8")


def _first_failure(tree: Path, tests: list[str] | tuple[str, ...]) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    # The commands that tests start are to find the copy, too.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return "the time that it takes"
    if done.returncode == 0:
        return ""
    if done.returncode not in _TESTS_FAILED:
        raise RuntimeError(f"{' '.join(tests)}: {done.stdout}{done.stderr}")
    found = FAILED.search(done.stdout)
    return found[1].partition("[")[0] if found else "the import of it"


def copied(folder: Path) -> Path:
    """The files of the project, where one may spoil them."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)
    return folder


def results() -> dict[str, str]:
    """What the page says of each defect."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    rows = (line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {row[0]: row[2] for row in rows if len(row) == 3}  # noqa: PLR2004 - columns


def page(known: dict[str, str]) -> str:
    """The page, of the defects whose outcome is known."""
    these = [each for each in mutants() if each.about in known]
    caught = sum(known[each.about] != SURVIVED for each in these)
    lines = [f"| {each.about} | `{each.file}` | {known[each.about]} |\n" for each in these]
    return HEAD.format(count=len(these), caught=caught) + "".join(lines)


def carried_out(chosen: list[Mutant], processes: int, *, widely: bool) -> None:
    """Plants each, and writes down at once what came of it."""
    writing = threading.Lock()
    with tempfile.TemporaryDirectory() as folder:
        trees = [copied(Path(folder) / str(number)) for number in range(processes)]

        def some(number: int) -> None:
            for mutant in chosen[number::processes]:
                test = noticed_by(mutant, trees[number], widely=widely)
                sys.stdout.write(f"{mutant.about}: {test or 'SURVIVED'}\n")
                sys.stdout.flush()
                with writing:
                    PAGE.write_text(page({**results(), mutant.about: f"`{test}`" if test else SURVIVED}), "utf-8")

        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(some, range(processes)))


def main() -> None:
    """Plants them, and writes docs/mutants.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="those whose description or file holds this")
    parser.add_argument("--part", type=int, nargs=2, metavar=("FROM", "TO"), default=(0, None))
    parser.add_argument("--unknown", action="store_true", help="those alone that survived or were never planted")
    parser.add_argument("--narrow", action="store_true", help="ask the tests that are named first alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    known = results()
    chosen = [
        each
        for each in mutants()[slice(*given.part)]
        if (not given.only or given.only in each.about + each.file)
        and not (given.unknown and known.get(each.about, SURVIVED) != SURVIVED)
    ]
    carried_out(chosen, given.processes, widely=not given.narrow)
    known = results()
    sys.exit(any(known[each.about] == SURVIVED for each in chosen))


if __name__ == "__main__":
    main()
