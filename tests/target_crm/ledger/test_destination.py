"""What the ledger calls a CRM: other spellings of its address, a move, an older ledger, a broken one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from crm_systems import SYSTEMS
from target_crm.ledger.lease import LeaseHolder
from tests.contract.subjects import SUBJECTS, Subject
from tests.contract.test_lost_answers import incoming, load, nth_create, there
from tests.running import database
from tests.target_crm.writing import QuietTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.base import Simulator


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(5) as simulator:
        yield simulator


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_all_spellings_of_an_address_are_one_place(system: Any) -> None:
    url = "https://crm.example.com/sales"
    written = [
        "https://CRM.Example.com/sales",
        "http://crm.example.com/sales",
        "https://crm.example.com:443/sales/",
        "HTTP://crm.example.com.:80//sales//",
        f"https://crm.example.com/sales{system.interface}",
        f"crm.example.com/sales{system.interface}/",
    ]
    assert {system({"url": each, "paging": "none"}).place(each) for each in written} == {"crm.example.com/sales"}
    assert system({"url": url, "paging": "none"}).place("http://crm.example.com:8080/") == "crm.example.com:8080"
    assert system({"url": url, "paging": "none"}).place("https://müller.example") == "xn--mller-kva.example"


def respelled(crm: Simulator) -> list[str]:
    system = next(each for each in SYSTEMS if each.name == crm.name)
    plain = crm.url.replace("127.0.0.1", "localhost")
    return [plain, plain.replace("localhost", "LocalHost"), f"{plain}/", f"{plain}{system.interface}"]


def test_a_crm_under_another_spelling_of_its_address_is_the_same(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    for number, url in enumerate(respelled(crm)):
        result = load(subject, crm, tmp_path / "ledger", incoming(subject), url=url)
        assert result.exit == ""
        assert result.line(subject.entity).endswith("1 unchanged" if number else "1 create")
    assert len(there(subject, crm)) == 1


def destination(ledger: Path, name: str | None = None) -> str:
    """What the ledger calls the CRM; renamed if a name is given."""
    with database(ledger) as db:
        if name:
            for table in ("written", "intents", "open_links"):
                db.execute(f"UPDATE {table} SET destination = ?", [name])
        return str(db.execute("SELECT destination FROM written").fetchone()[0])


def test_a_ledger_that_knows_the_crm_by_an_older_spelling_is_understood(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    load(subject, crm, tmp_path / "ledger", incoming(subject))
    title, _, place = destination(tmp_path / "ledger").partition(" at ")
    destination(tmp_path / "ledger", f"{title} at {place}/")
    result = load(subject, crm, tmp_path / "ledger", incoming(subject))
    assert result.line(subject.entity).endswith("1 unchanged")
    assert destination(tmp_path / "ledger") == f"{title} at {place}"


def test_a_crm_that_has_moved_is_not_written_to_as_if_it_were_empty(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    load(subject, crm, ledger, incoming(subject))
    moved = crm.url.replace("127.0.0.1", "localhost")
    stopped = load(subject, crm, ledger, incoming(subject), url=moved)
    old, new = (url.removeprefix("http://") for url in (crm.url, moved))
    assert f'if it is the same CRM at another address, set `destination` to "{old}"' in stopped.exit
    assert f'if it is another one, set `destination` to "{new}"' in stopped.exit
    slip = load(subject, crm, ledger, incoming(subject), url=moved, destination=old[:-1])
    assert "The ledger knows records of the stream" in slip.exit
    assert len(there(subject, crm)) == 1
    for settings in ({"destination": old}, {"destination": f"HTTPS://{old}/"}):
        result = load(subject, crm, ledger, incoming(subject), url=moved, **settings)
        assert result.exit == ""
        assert result.line(subject.entity).endswith("1 unchanged")
    another = load(subject, crm, ledger, incoming(subject), url=moved, destination=new)
    assert another.line(subject.entity).endswith("1 create")
    assert load(subject, crm, ledger, incoming(subject), url=moved).line(subject.entity).endswith("1 unchanged")


OLD_COLUMNS = "destination, source, stream, key, entity, crm_id, digest, altered"
OLD_TABLES = """
CREATE TABLE written (destination VARCHAR(512) NOT NULL, source VARCHAR(512) NOT NULL, stream VARCHAR(512) NOT NULL,
    "key" VARCHAR(512) NOT NULL, entity VARCHAR(128) NOT NULL, crm_id VARCHAR(128) NOT NULL,
    digest VARCHAR(32) NOT NULL, altered TEXT NOT NULL, PRIMARY KEY (destination, source, stream, "key"));
CREATE TABLE intents (destination VARCHAR(512) NOT NULL, source VARCHAR(512) NOT NULL, stream VARCHAR(512) NOT NULL,
    "key" VARCHAR(512) NOT NULL, entity VARCHAR(128) NOT NULL, at VARCHAR(40) NOT NULL, sent TEXT NOT NULL,
    PRIMARY KEY (destination, source, stream, "key"));
"""


def test_a_ledger_of_an_earlier_version_goes_on(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    load(subject, crm, tmp_path / "new", incoming(subject), incoming(subject, 1))
    with database(tmp_path / "new") as new, database(tmp_path / "old") as old:
        old.executescript(OLD_TABLES)
        rows = new.execute(f"SELECT {OLD_COLUMNS} FROM written ORDER BY key").fetchall()
        old.execute("INSERT INTO written VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows[0])
        at = crm.clock.now().isoformat()
        old.execute("INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?, ?)", [*rows[1][:5], at, _sent(subject)])
    result = load(subject, crm, tmp_path / "old", incoming(subject), incoming(subject, 1))
    assert result.exit == ""
    assert len(there(subject, crm)) == len(there(subject, crm, 1)) == 1


def _sent(subject: Subject) -> str:
    return json.dumps(subject.values(1))


def intent(at: str = "2026-01-01T00:00:00+00:00", sent: str = "{}", **more: str) -> str:
    """The SQL of an intent for each record that was written."""
    values = {"at": at, "sent": sent, **more}
    into, told = ", ".join(values), ", ".join(f"'{value}'" for value in values.values())
    origin = "destination, source, stream, key, entity"
    return f"INSERT INTO intents ({origin}, {into}) SELECT {origin}, {told} FROM written"


LINK = "INSERT INTO open_links SELECT destination, source, stream, key, 'x', 'none', 'k0' FROM written"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE written SET altered = '{'",
        "UPDATE written SET altered = '[1]'",
        "UPDATE written SET altered = 'null'",
        "UPDATE written SET altered = x'ff'",
        "UPDATE written SET base = x'ffffff'",
        "UPDATE written SET base = 'text'",
        intent(at="soon"),
        intent(at="2026-01-01T00:00:00"),
        intent(sent="3"),
        intent(sent="null"),
        intent(holder='{"a": 1}'),
        intent(shown="{}"),
        intent(shown="[]"),
        LINK,
    ],
)
def test_a_broken_row_is_a_sentence(tmp_path: Path, damage: str) -> None:
    subject = SUBJECTS["vtiger"]
    with subject.start(5) as crm:
        load(subject, crm, tmp_path / "ledger", incoming(subject))
        with database(tmp_path / "ledger") as db:
            db.execute(damage)
        result = load(subject, crm, tmp_path / "ledger", incoming(subject, 0, title="new"))
        assert "ledger" in result.exit
        assert "k0" in result.exit or "cannot be read (" in result.exit
        assert "Traceback" not in result.everything


def test_a_run_of_which_nothing_is_known_may_live_and_one_that_ended_is_gone() -> None:
    mine = LeaseHolder()
    assert not mine.is_gone
    assert not LeaseHolder(machine="another", pid=1, started="1").is_gone
    assert LeaseHolder(pid=2**22 + 1, started="1").is_gone
    assert LeaseHolder(started="1").is_gone, "another process has got the number"
    assert LeaseHolder.from_json(mine.to_json()) == mine


def test_a_run_that_ended_in_an_error_leaves_its_creates_to_the_next(tmp_path: Path) -> None:
    subject = SUBJECTS["vtiger"]

    class Ended(Exception):
        pass

    class Ending(QuietTarget):
        @staticmethod
        def sleep(seconds: float) -> None:  # noqa: ARG004 - called as sleep is
            raise Ended

    with subject.start(5) as crm:
        crm.fault = nth_create(Fault.LOST_ANSWER, 1)
        with pytest.raises(Ended):
            load(subject, crm, tmp_path / "ledger", incoming(subject), target=Ending)
        crm.fault = lambda _call: None
        assert load(subject, crm, tmp_path / "ledger", incoming(subject)).exit == ""
        assert len(there(subject, crm)) == 1
