"""Reading InTouch CRM: complete and typed, by changes, while others work in it, in all versions and shapes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from crm_simulators.base import Answer, Fault
from crm_simulators.intouch.model import RESOURCES
from tests.crm_systems.intouch.shown import client, ids, installation, read
from tests.running import client_for, discover, only, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from crm_simulators.base import Call
    from crm_simulators.intouch import InTouchSimulator

PRAGUE = ZoneInfo("Europe/Prague")
STAMPED = tuple(name for name in RESOURCES if name != "members")
TIMES = ("entered", "modified")
DERIVED = ("contacts", "categories", "items", "enterDate", "debit")


def utc(local: str | None, zone: ZoneInfo = PRAGUE) -> str | None:
    """A local time of the server as the tap gives it."""
    return local and datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(timezone.utc).isoformat()


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A stored row as the tap should give it, but for fields that other tests look at."""
    kept = {name: value for name, value in row.items() if name not in DERIVED and not name.endswith("Time")}
    times = {name: utc(kept[name]) for name in TIMES if name in kept}
    return {name: None if value == "" else value for name, value in {**kept, **times}.items()}


def test_everything_is_read_once_and_typed() -> None:
    with installation(rows=150) as simulator:
        result = run({**simulator.config(), "case_types": [1, 2, 3]})
        assert result.exit == ""
        assert "do not fit" not in result.log
        for name in STAMPED:
            given = {row["id"]: row for row in result.records[name]}
            assert len(given) == len(result.records[name])
            stored = {row["id"]: shown(row) for row in simulator.records(name)}
            assert {key: {each: given[key][each] for each in row} for key, row in stored.items()} == stored
        links = [(row["org"], row["member"]) for row in result.records["members"]]
        assert sorted(links) == sorted((row["org"], row["member"]) for row in simulator.records("members"))
        items = [(each["list"], each["name"]) for each in result.records["list_items"]]
        assert items == [(each["id"], item["name"]) for each in simulator.records("lists") for item in each["items"]]


def test_fields_that_are_not_documented_are_typed_by_what_they_hold() -> None:
    with installation(rows=150) as simulator:
        schemas = run(simulator.config()).schemas
    parties, invoices = (schemas[name]["schema"]["properties"] for name in ("parties", "invoices"))
    assert parties["attrSigned"]["format"] == "date"
    assert parties["attrPoints"]["type"] == ["number", "null"]
    assert parties["attrShirtSize"]["type"] == ["string", "null"]
    assert parties["categories"]["type"] == ["array", "null"]
    assert "c1 (Kategorie 1)" in parties["categories"]["description"]
    assert "bcca (Vizitka)" in parties["enteredFrom"]["description"]
    assert invoices["dueDate"]["format"] == "date"
    assert invoices["items"]["type"] == ["array", "null"]


def entered(simulator: InTouchSimulator, **settings: Any) -> dict[int, str]:
    return {row["id"]: row["entered"] for row in read(simulator, "parties", **settings).records["parties"]}


@pytest.mark.parametrize(
    ("told", "settings", "zone"),
    [
        (ZoneInfo("America/New_York"), {}, "America/New_York"),
        (ZoneInfo("America/New_York"), {"timezone": "Asia/Tokyo"}, "Asia/Tokyo"),
        (timezone(timedelta(hours=1)), {}, "Europe/Prague"),
    ],
)
def test_times_stand_in_the_zone_that_is_set_or_else_told(told: tzinfo, settings: dict[str, str], zone: str) -> None:
    with installation() as simulator:
        simulator.clock.zone = told
        given = entered(simulator, **settings)
        assert given == {row["id"]: utc(row["entered"], ZoneInfo(zone)) for row in simulator.records("parties")}
        asked = [call.path for call in simulator.calls].count("/api/about")
    assert asked == (0 if settings else 1)


UNTOLD = "its times are taken for those of Europe/Prague: set `timezone`"


@pytest.mark.parametrize("fault", [None, Fault.HTML, Fault.ERROR_BEFORE, Fault.GATEWAY])
def test_an_installation_that_does_not_tell_its_zone_is_read_and_that_is_said(fault: Fault | None) -> None:
    with installation(about="absent") as simulator:
        simulator.fault = lambda call: fault if call.path == "/api/about" else None
        result = read(simulator, "parties", "opportunities", parallel_requests=4)
        given = {row["id"]: row["entered"] for row in result.records["parties"]}
        assert given == {row["id"]: utc(row["entered"]) for row in simulator.records("parties")}
    assert (result.exit, result.log.count(UNTOLD)) == ("", 1)


@pytest.mark.parametrize(
    ("entity", "settings", "told"),
    [
        ("lists", {}, PRAGUE),
        ("parties", {"timezone": "Europe/Prague"}, timezone(timedelta(hours=1))),
        ("parties", {}, PRAGUE),
    ],
    ids=["no times", "set", "told"],
)
def test_nothing_is_said_of_the_zone_where_it_is_of_no_matter(
    entity: str, settings: dict[str, str], told: tzinfo
) -> None:
    with installation() as simulator:
        simulator.clock.zone = told
        result = read(simulator, entity, **settings)
    assert (result.exit, "time zone of its clock" in result.log) == ("", False)


def test_amounts_keep_their_digits() -> None:
    with installation() as simulator:
        amounts = [row["amount"] for row in read(simulator, "opportunities").records["opportunities"]]
    assert Decimal("99999999999.99") in amounts
    assert str(next(each for each in amounts if each == Decimal("10500.00"))) == "10500.00"


@pytest.mark.parametrize("never_modified", ["entered", "null", "absent"])
@pytest.mark.parametrize("nulls_first", [True, False])
def test_a_second_run_gives_only_what_was_changed_or_entered(never_modified: str, *, nulls_first: bool) -> None:
    with installation(rows=420, never_modified=never_modified, nulls_first=nulls_first) as simulator:
        simulator.insert("parties", {"type": "GROUP", "company": "Just before"})
        first = read(simulator, *STAMPED, page_size=50)
        assert read(simulator, *STAMPED, state=first.state, page_size=50).records.keys() == {"fields"}
        simulator.change("parties", 7, {"city": "Brno"})
        added = simulator.insert("parties", {"type": "GROUP", "company": "New"})
        simulator.change("comm", 3, {"comment": "Changed"})
        second = read(simulator, *STAMPED, state=first.state, page_size=50)
        changed = {name: ids(rows) for name, rows in second.records.items() if name != "fields"}
        assert changed == {"parties": [7, added], "comm": [3]}
        assert read(simulator, *STAMPED, state=second.state).records.keys() == {"fields"}


@pytest.mark.parametrize("page_size", [2, 100, 1000])
def test_rows_that_share_one_second_are_all_read(page_size: int) -> None:
    with installation(rows=420) as simulator:
        stamps = [row["modified"] for row in simulator.records("parties")]
        shared = max(set(stamps), key=stamps.count)
        assert stamps.count(shared) == 250
        result = read(simulator, "parties", page_size=page_size, start_date=utc(shared), lookback_seconds=0)
        expected = [row["id"] for row in simulator.records("parties") if row["modified"] >= shared]
        assert ids(result.records["parties"]) == expected


def meanwhile(simulator: InTouchSimulator, act: Callable[[], None]) -> None:
    """Does something each time a page of parties has been asked for."""

    def between(call: Call) -> Fault | None:
        if call.path == "/api/parties" and "orderBy" in call.query and call.query["size"] != "500":
            act()
        return None

    simulator.fault = between


@pytest.mark.parametrize("by_changes", [False, True])
def test_rows_deleted_while_others_are_read_push_none_over_a_border(*, by_changes: bool) -> None:
    with installation(rows=420) as simulator:
        there = [row["id"] for row in sorted(simulator.records("parties"), key=lambda row: row["modified"])]
        victims = iter(there[::-7] if by_changes else sorted(there)[::7])
        gone: set[int] = set()

        def act() -> None:
            for victim in islice(victims, 2):
                simulator.delete("parties", victim)
                gone.add(victim)

        meanwhile(simulator, act)
        more = {"start_date": "2025-01-01T00:00:00Z"} if by_changes else {}
        result = read(simulator, "parties", page_size=20, **more)
        given = ids(result.records["parties"])
        changed = {row["id"] for row in simulator.records("parties") if not more or row["modified"] >= "2025-01-01T02"}
        assert result.exit == ""
        assert len(gone) > 20
        assert len(given) == len(set(given))
        assert changed - set(given) == set()


def test_an_order_that_the_server_does_not_keep_ends_nothing() -> None:
    with installation(rows=420) as simulator:
        first = read(simulator, "parties")
        changed = [row["id"] for row in simulator.records("parties")][-5:]
        for key in changed:
            simulator.change("parties", key, {"comment": "after"})
        proper = simulator.answer

        def answer(call: Call) -> Answer:
            by_id = {"orderBy": "id", "desc": "false"} if "orderBy" in call.query else {}
            return proper(replace(call, query={**call.query, **by_id}))

        simulator.answer = answer
        second = read(simulator, "parties", state=first.state, page_size=20)
        assert ids(second.records["parties"]) == changed


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("orders", [{"entered"}, {"id", "entered", "modified"}], ids=["one", "all"])
def test_an_order_over_which_the_server_breaks_is_done_without(orders: set[str], status: int) -> None:
    with installation(rows=150) as simulator:
        proper, broken = simulator.answer, Answer(b"", status)
        simulator.answer = lambda call: broken if call.query.get("orderBy") in orders else proper(call)
        first = read(simulator, "parties", page_size=50)
        assert (first.exit, ids(first.records["parties"])) == ("", ids(simulator.records("parties")))
        simulator.change("parties", 7, {"city": "Brno"})
        second = read(simulator, "parties", state=first.state, page_size=50)
        assert (second.exit, ids(second.records["parties"])) == ("", [7])


def test_rows_changed_and_entered_while_others_are_read_come_at_the_latest_next_time() -> None:
    with installation(rows=420) as simulator:
        first = read(simulator, "parties")
        changed = [row["id"] for row in simulator.records("parties")][100:300]
        for key in changed:
            simulator.change("parties", key, {"comment": "before"})
        late = iter(changed)
        added: list[int] = []

        def act() -> None:
            for _ in range(3):
                simulator.change("parties", next(late), {"comment": "meanwhile"})
            added.append(int(simulator.insert("parties", {"type": "GROUP", "company": "New"})))  # type: ignore[arg-type]  # InTouch counts

        meanwhile(simulator, act)
        second = read(simulator, "parties", state=first.state, page_size=20)
        meanwhile(simulator, lambda: None)
        third = read(simulator, "parties", state=second.state)
        for result in (second, third):
            given = ids(result.records["parties"])
            assert len(given) == len(set(given))
        last = {row["id"]: row["comment"] for result in (second, third) for row in result.records["parties"]}
        stored = {row["id"]: row["comment"] for row in simulator.records("parties")}
        assert last == {key: stored[key] for key in [*changed, *added]}


def test_a_change_in_the_hour_that_comes_twice_is_not_lost() -> None:
    with installation(rows=420) as simulator:
        twice = [row["id"] for row in simulator.records("parties") if row["modified"] == "2025-10-26T02:30:00"]
        assert len(twice) == 1
        # A quarter to three in summer time: half past two may still come, in winter time.
        result = read(simulator, "parties", start_date="2025-10-26T00:45:00Z", lookback_seconds=0)
        assert twice[0] in ids(result.records["parties"])
        later = read(simulator, "parties", start_date="2025-10-26T02:00:00Z", lookback_seconds=0)
        assert twice[0] not in ids(later.records["parties"])


def test_no_page_is_larger_than_the_server_allows() -> None:
    with installation(oversize="reject") as simulator:
        assert read(simulator, "parties", page_size=5000).exit == ""
        assert max(int(call.query.get("size", "0")) for call in simulator.calls) == 1000


@pytest.mark.parametrize("body", ["json", "html", "empty"])
@pytest.mark.parametrize(
    ("version", "missing"), [("6.5", {"comm"}), ("6.2", {*RESOURCES} - {"parties", "opportunities"})]
)
def test_an_older_version_lacks_some_lists_and_the_rest_is_read(version: str, missing: set[str], body: str) -> None:
    with installation(flavour=version, missing_resource=body) as simulator:
        result = run(simulator.config())
    assert result.exit == ""
    assert {*result.records} == {*RESOURCES, "lists", "list_items", "fields"} - missing
    assert [name for name in missing if f"{name} is left out" not in result.log] == []


def test_a_wrong_password_is_said_in_one_sentence() -> None:
    with installation() as simulator:
        result = run({**simulator.config(), "password": "wrong-one"})
    assert result.exit == (
        "tap-crm: InTouch CRM: Log-in: user name or password is wrong (HTTP 401): check `username` and `password`."
    )
    assert "wrong-one" not in result.everything


def test_a_wrong_address_is_said_in_one_sentence() -> None:
    with installation(context_path="/intouch") as simulator:
        result = run({**simulator.config(), "url": simulator.url})
        assert "there is no InTouch CRM at this address" in result.exit
        assert run(simulator.config()).exit == ""


def test_what_a_user_may_not_see_is_not_missed() -> None:
    with installation(error_bodies=False) as simulator:
        result = read(simulator, "parties", username="eva", password="eva-heslo")
        groups = {row["id"]: row["ownerGroup"] for row in simulator.records("parties")}
    assert ids(result.records["parties"]) == [key for key, group in groups.items() if group == "obchod"]


@pytest.mark.parametrize("listed", [True, False])
def test_orders_of_the_wanted_types_come_with_all_they_have(*, listed: bool) -> None:
    with installation(case_type_in_record=listed) as simulator:
        plain = read(simulator, "buscases").records["buscases"]
        full = read(simulator, "buscases", case_types=[1, 2]).records["buscases"]
        stored = simulator.records("buscases")
    assert ids(plain) == ids(full) == ids(stored)
    assert not {"transport", "deviceSerial", "manager"} & {name for row in plain for name in row}
    by_type = {kind: [row for row in stored if row["caseType"] == kind] for kind in (1, 2, 3)}
    given = {row["id"]: row for row in full}
    assert all(given[row["id"]]["transport"] == row["transport"] for row in by_type[1])
    assert all(given[row["id"]]["deviceSerial"] == row["deviceSerial"] for row in by_type[2])
    assert all("manager" not in given[row["id"]] for row in by_type[3])
    assert all(given[row["id"]]["caseType"] == row["caseType"] for row in [*by_type[1], *by_type[2]])


@pytest.mark.parametrize("shape", ["array", "object", "flat"])
def test_the_first_contact_detail_of_each_kind_is_a_field(shape: str) -> None:
    with installation(contact_details=shape) as simulator:
        rows = {row["id"]: row for row in read(simulator, "parties").records["parties"]}
        for stored in simulator.records("parties"):
            for name, kind in {"email": "EMAIL", "phone": "PHONE", "web": "WEB"}.items():
                first = next((each["value"] for each in stored["contacts"] if each["type"] == kind), None)
                assert rows[stored["id"]].get(name) == first


@pytest.mark.parametrize("name", ["enterDate", "enteredDate"])
@pytest.mark.parametrize("dates", ["date", "datetime"])
def test_memberships_say_since_when_under_either_name(name: str, dates: str) -> None:
    with installation(member_date_name=name, member_dates=dates, members_paged=False) as simulator:
        result = read(simulator, "members", page_size=4)
        stored = {(row["org"], row["member"]): row for row in simulator.records("members")}
    assert result.schemas["members"]["schema"]["properties"][name]["format"] == "date"
    given = {(row["org"], row["member"]): row for row in result.records["members"]}
    assert len(given) == len(result.records["members"])
    assert {key: (row[name], row["leaveDate"]) for key, row in given.items()} == {
        key: (row["enterDate"], row["leaveDate"]) for key, row in stored.items()
    }


@pytest.mark.parametrize(
    "switches", [{"nulls": "absent"}, {"custom_attributes": "nested"}, {"time_format": "HH:mm:ss"}]
)
def test_other_shapes_of_a_record_are_read(switches: dict[str, Any]) -> None:
    with installation(**switches) as simulator:
        result = read(simulator, "parties", "comm")
        parties, comm = simulator.records("parties"), simulator.records("comm")
    points = {row["id"]: (row.get("attributes") or row).get("attrPoints") for row in result.records["parties"]}
    assert points == {row["id"]: row["attrPoints"] for row in parties}
    times = {row["id"]: row.get("contactedTime") for row in result.records["comm"]}
    assert {key: time and time[:5] for key, time in times.items()} == {
        row["id"]: row["contactedTime"] and row["contactedTime"][:5] for row in comm
    }


def test_the_pace_is_modest() -> None:
    with installation() as simulator:
        waits: list[float] = []
        with client_for(simulator.config(), sleep=waits.append, clock=lambda: 0.0) as client:
            client.system.describe(client.call, "stores")
    assert waits == [0.5, 1.0, 1.5]


def test_how_many_there_are_is_known_while_they_are_read() -> None:
    """For the share and the time left that a terminal shows."""
    with installation(60) as simulator, client(simulator) as opened:
        entity = opened.system.describe(opened.call, "parties")
        assert opened.system.announced(entity) == len(simulator.records("parties"))
        assert opened.system.announced(entity.__class__("nothing", ())) is None


def test_what_the_catalog_takes_for_a_text_leaves_as_one_although_numbers_came_since() -> None:
    with installation(rows=10) as simulator:
        rows = simulator.records("parties")
        for row in rows:
            simulator.change("parties", row["id"], {"attrPoints": None})
        config = {**simulator.config(), "entities": ["parties"], "requests_per_second": 1000}
        catalog = only(discover(config), "parties")
        for row in rows:
            simulator.change("parties", row["id"], {"attrPoints": 5})
        result = run(config, catalog=catalog)
    assert {row["attrPoints"] for row in result.records["parties"]} == {"5"}
