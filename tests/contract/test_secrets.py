"""No secret and no value of a record is printed, not even by the debug log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.subjects import SUBJECTS, Subject
from tests.running import command, finished
from tests.target_crm.mapping.test_checks import command as target_command
from tests.target_crm.writing import record, schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.base import Simulator

    Started = tuple[Subject, Simulator]


@pytest.fixture(params=SUBJECTS)
def started(request: pytest.FixtureRequest) -> Iterator[Started]:
    """A system and its simulator."""
    subject = SUBJECTS[request.param]
    with subject.start(3) as simulator:
        yield subject, simulator


def test_the_debug_log_of_the_tap_tells_no_secret(started: Started, tmp_path: Path) -> None:
    subject, simulator = started
    config = {**subject.config(simulator), "entities": [subject.entity]}
    (tmp_path / "c.json").write_text(json.dumps(config), "utf-8")
    result, code = finished(command("--config", tmp_path / "c.json", TAP_CRM_LOGLEVEL="DEBUG"))
    assert code == 0
    assert config[subject.secret] not in result.everything
    assert "?" not in "".join(line for line in result.log.splitlines() if "HTTP/1.1" in line), "a query may hold keys"


def test_the_debug_log_of_the_target_tells_no_secret_and_no_value(started: Started, tmp_path: Path) -> None:
    subject, simulator = started
    values = subject.values(1) | {subject.text: "Secretvalue"}
    config = {**subject.config(simulator), "identify_by": "ledger", "default_owner": None}
    messages = [schema(subject.entity, ["id", *values]), record(subject.entity, id="1", **values)]
    result = target_command(config, messages, tmp_path, TARGET_CRM_LOGLEVEL="DEBUG")
    assert result.returncode == 0, result.stderr
    for hidden in ("Secretvalue", config[subject.secret]):
        assert hidden not in result.stdout + result.stderr


def test_about_tells_no_secret(started: Started) -> None:
    subject, simulator = started
    config = {f"TAP_CRM_{name.upper()}": str(value) for name, value in subject.config(simulator).items()}
    result, code = finished(command("--config=ENV", "--about", "--format=json", **config))
    assert code == 0
    assert config[f"TAP_CRM_{subject.secret.upper()}"] not in result.everything
