"""The list of planted defects keeps up with the code, and the page with the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof import mutants
from proof.mutants import ROOT, Mutant

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("mutant", mutants.mutants(), ids=lambda mutant: mutant.about)
def test_a_planted_defect_has_its_place(mutant: Mutant) -> None:
    assert mutant.fits, f"{mutant.file} has changed: mend or replace this one in proof/mutants.yml"
    assert [
        name
        for name in mutant.tests.split()
        if name.startswith("tests/") and not (ROOT / name.partition("::")[0]).exists()
    ] == []
    planted = (ROOT / mutant.file).read_text("utf-8").replace(mutant.old, mutant.new)
    compile(planted, mutant.file, "exec")


def test_each_was_planted_and_none_survived() -> None:
    known = mutants.results()
    assert len({each.about for each in mutants.mutants()}) == len(mutants.mutants()) >= 60
    assert [
        each.about for each in mutants.mutants() if known.get(each.about, mutants.SURVIVED) == mutants.SURVIVED
    ] == []
    assert mutants.PAGE.read_text("utf-8") == mutants.page(known)


def test_a_defect_is_noticed_or_not(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("def one() -> int:\n    return 1\n")
    (tmp_path / "test_code.py").write_text("from planted import one\n\n\ndef test_one():\n    assert one() == 1\n")
    noticed = Mutant("", "planted.py", "return 1", "return 2", "test_code.py")
    survives = Mutant("", "planted.py", "return 1", "return int(1)", "test_code.py")
    assert mutants.noticed_by(noticed, tmp_path, widely=False) == "test_code.py::test_one"
    assert mutants.noticed_by(survives, tmp_path, widely=False) == ""
    assert (tmp_path / "planted.py").read_text() == "def one() -> int:\n    return 1\n"
