"""The Vtiger simulator over a real socket: what the recordings cannot show in one call."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from crm_simulators.base import Fault
from crm_simulators.vtiger import SimplyCrmSimulator, VtigerSimulator
from crm_simulators.vtiger.seed import CLUSTER
from tests.crm_simulators.vtiger.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Client]

FLAVOURS = VtigerSimulator.flavours
STOCK = ("vtiger-8.4", "vtiger-8.0")


def keyset(client: Client, module: str, columns: str = "*") -> list[dict[str, Any]]:
    """All rows of a module by id, until an empty page."""
    prefix = client.store.modules[module].prefix
    rows: list[dict[str, Any]] = []
    while True:
        last = rows[-1]["id"] if rows else f"{prefix}x0"
        page = client.query(f"select {columns} from {module} where id > '{last}' order by id limit 100;")
        if not page:
            return rows
        rows += page


def test_one_token_per_user(start: Start) -> None:
    client = start()
    older = client.key("admin", client.challenge("ADMIN"))
    newer = client.key("admin", client.challenge("admin"))
    assert client.error("POST", "login", username="admin", accessKey=older) == "INVALID_USER_CREDENTIALS"
    assert client.post("login", username="admin", accessKey=newer)["userId"] == "19x1"
    assert client.post("login", username="admin", accessKey=newer)["userId"] == "19x1"


@pytest.mark.parametrize(("flavour", "life"), [("vtiger-8.4", 300), ("corebos", 7200), ("simplycrm", 300)])
def test_tokens_expire(start: Start, flavour: str, life: int) -> None:
    client = start(flavour)
    key = client.key("admin", client.challenge("admin"))
    client.simulator.clock.advance(life - 5)
    client.post("login", username="admin", accessKey=key)
    client.simulator.clock.advance(10)
    assert client.error("POST", "login", username="admin", accessKey=key) == "INVALID_AUTH_TOKEN"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_ended_sessions(start: Start, flavour: str) -> None:
    client = start(flavour)
    client.simulator.expire_sessions()
    code = "AUTHENTICATION_REQUIRED" if flavour == "corebos" else "INVALID_SESSIONID"
    assert client.error("GET", "listtypes") == code


def test_only_simplycrm_limits_sessions(start: Start) -> None:
    for flavour, codes in (("vtiger-8.4", (None, None)), ("simplycrm", ("SESSION_LEFT_IDLE", "SESSION_EXPIRED"))):
        client = start(flavour)
        client.simulator.clock.advance(1801)
        body = client.raw("GET", "listtypes", {}).json()
        assert body.get("error", {}).get("code") == codes[0]
        client.log_in("admin")
        for _ in range(50):
            client.simulator.clock.advance(1790)
            body = client.raw("GET", "listtypes", {}).json()
        assert body.get("error", {}).get("code") in {codes[1], "INVALID_SESSIONID" if codes[1] else None}


def test_fault_of_expired_session(start: Start) -> None:
    client = start()
    faults = [Fault.EXPIRED_SESSION]
    client.simulator.fault = lambda _call: faults.pop() if faults else None
    assert client.error("GET", "listtypes") == "INVALID_SESSIONID"
    client.log_in("admin")
    assert client.get("listtypes")["types"]


def test_multipart_works_and_a_json_body_does_not(start: Start) -> None:
    client = start()
    fields = {"operation": (None, "revise"), "sessionName": (None, client.session), "element": (None, '{"id":"1"}')}
    assert client.http.post(client.url, files=fields, timeout=5).json()["error"]["code"] == "ACCESS_DENIED"
    assert client.http.post(client.url, json={"operation": "listtypes"}, timeout=5).status_code == 500


def test_long_request_lines(start: Start) -> None:
    client = start()
    for count, status in ((290, 200), (600, 414)):
        ids = ",".join(f"'10x{number:04}'" for number in range(count))
        query = f"select id from Leads where id in ({ids});"
        assert client.raw("GET", "query", {"query": query}).status_code == status


def test_configuration() -> None:
    with SimplyCrmSimulator(rows=10) as simulator:
        assert simulator.config()["system"] == "simplycrm"
        assert len(simulator.config_for("euro")["access_key"]) == 16
        assert Client(simulator).log_in("limited")
    with pytest.raises(ValueError, match="vtiger has the flavours"):
        VtigerSimulator(flavour="vtiger-9")


def test_modules_by_user_and_flavour(start: Start) -> None:
    assert "Users" not in start(user="limited").get("listtypes")["types"]
    simply = start("simplycrm").get("listtypes")["types"]
    assert {"Users", "Calendar", "Groups"} <= {*simply}
    assert not {"LineItem", "Tax", "ProductTaxes"} & {*simply}
    corebos = start("corebos").get("listtypes")["types"]
    assert "cbCalendar" in corebos
    assert "Events" not in corebos


def test_denied_modules(start: Start) -> None:
    client = start(denied_modules=("Campaigns",))
    assert "Campaigns" not in client.get("listtypes")["types"]
    assert client.error("GET", "describe", elementType="Campaigns") == "ACCESS_DENIED"
    assert client.error("GET", "query", query="select * from Campaigns;") == "ACCESS_DENIED"


def test_prefix_of_tasks_can_move(start: Start) -> None:
    client = start("simplycrm", task_prefix=1)
    assert client.get("describe", elementType="Calendar")["idPrefix"] == "1"
    assert client.get("describe", elementType="Campaigns")["idPrefix"] == "9"
    assert all(row["id"].startswith("1x") for row in client.query("select id from Calendar;"))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_module_can_be_described_and_read(start: Start, flavour: str) -> None:
    client = start(flavour)
    for name in client.get("listtypes")["types"]:
        described = client.get("describe", elementType=name)
        assert described["idPrefix"] == str(client.store.modules[name].prefix)
        if flavour == "simplycrm" and not described["isEntity"]:
            assert client.error("GET", "query", query=f"select * from {name};") == "ACCESS_DENIED"
        elif flavour != "corebos" or name != "Contacts":
            rows = client.query(f"select * from {name} limit 100;")
            assert all(isinstance(value, str | None) for row in rows for value in row.values())
            assert flavour == "vtiger-8.4" or all(value is not None for row in rows for value in row.values())


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("module", ["Leads", "Accounts", "Invoice"])
def test_keyset_finds_everything(start: Start, flavour: str, module: str) -> None:
    client = start(flavour)
    rows = keyset(client, module)
    assert [row["id"] for row in rows] == [row["id"] for row in client.store.records(module)]


def test_documents_are_joined_with_their_lines(start: Start) -> None:
    client = start(rows=1000)
    pages = [client.query(f"select * from Invoice order by id limit {skip},100;") for skip in range(0, 600, 100)]
    assert [len(page) for page in pages][:4] == [37, 36, 37, 17]
    assert len({row["id"] for page in pages for row in page}) == len(client.store.records("Invoice"))
    assert len(client.query("select id,subject from Invoice limit 100;")) == 100
    assert len(client.query("select id,quantity from Invoice order by id limit 100;")) == 37
    lines = client.query(f"select * from LineItem where parent_id='{pages[0][1]['id']}';")
    assert [line["sequence_no"] for line in lines] == ["1"]


def test_composite_keyset(start: Start) -> None:
    client = start(rows=1000)
    seen: list[str] = []
    stamp, last = "2000-01-01 00:00:00", "12x0"
    while True:
        where = f"modifiedtime > '{stamp}' or modifiedtime = '{stamp}' and id > '{last}'"
        page = client.query(f"select id,modifiedtime from Contacts where {where} order by modifiedtime,id limit 100;")
        if not page:
            break
        seen += [row["id"] for row in page]
        stamp, last = page[-1]["modifiedtime"], page[-1]["id"]
    assert sorted(seen) == sorted(row["id"] for row in client.store.records("Contacts"))


def test_order_by_modifiedtime_alone_loses_rows(start: Start) -> None:
    client = start(rows=1000)
    pages = [
        client.query(f"select id from Contacts order by modifiedtime limit {skip},100;") for skip in range(0, 1000, 100)
    ]
    assert len({row["id"] for page in pages for row in page}) < len(client.store.records("Contacts"))


def test_a_cluster_spans_pages(start: Start) -> None:
    client = start(rows=1000)
    cluster = [row for row in client.store.records("Contacts") if row["modifiedtime"] == CLUSTER]
    assert 250 <= len(cluster) <= 300


def test_limits(start: Start) -> None:
    for flavour, longest in (("vtiger-8.4", 100), ("vtiger-8.0", 100), ("simplycrm", 100), ("corebos", 250)):
        client = start(flavour, rows=300)
        assert len(client.query("select id from Contacts limit 250;")) == longest
        assert len(client.query("select id from Contacts;")) == 100
        assert client.query("select id from Contacts limit 0;") == []


def test_counts(start: Start) -> None:
    for flavour in FLAVOURS:
        client = start(flavour)
        counted = client.query("select count(*) from Leads;")
        expected = [] if flavour == "vtiger-8.4" else [{"count": str(len(client.store.records("Leads")))}]
        assert counted == expected


def test_sql_errors(start: Start) -> None:
    for query in ("id > 5", "id = '5'", r"lastname = 'a\'", "lastname = nowhere"):
        text = f"select id from Leads where {query} limit 1;"
        assert start().query(text) == []
        assert start("corebos").error("GET", "query", query=text) == "DATABASE_QUERY_ERROR"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select id from Leads", "QUERY_SYNTAX_ERROR"),
        ("select id from Leads where (id = '10x1');", "QUERY_SYNTAX_ERROR"),
        ("select id from Leads where city is null;", "QUERY_SYNTAX_ERROR"),
        ("select id from Leads where city <> 'x';", "QUERY_SYNTAX_ERROR"),
        ("select id from Leads where city = '';", "INTERNAL_SERVER_ERROR"),
        ("select id from Leads where annualrevenue > 1.5;", "INTERNAL_SERVER_ERROR"),
        ("select nothing from Leads;", "ACCESS_DENIED"),
        ("select id from Leads where assigned_user_id = 'admin';", "INVALID_ID_ATTRIBUTE"),
    ],
)
def test_refused_queries(start: Start, query: str, code: str) -> None:
    assert start().error("GET", "query", query=query) == code


def test_comparisons(start: Start) -> None:
    client = start()
    made = client.store.insert("Leads", {"lastname": "Müller ß", "city": "Back\\slash", "annualrevenue": "12.50000000"})
    for where in (
        "lastname = 'MULLER ß  '",
        "lastname like 'mul%'",
        r"city = 'Back\\slash'",
        r"city like 'Back\\\\slash'",
        "annualrevenue > '12.4' and lastname like 'M_ller%'",
        "modifiedtime >= 'yesterday' and lastname like 'm%ller ß'",
    ):
        ids = [row["id"] for row in client.query(f"select id from Leads where {where} order by id desc limit 100;")]
        assert made in ids, where
    assert client.query(r"select id from Leads where city like 'Back\\slash';") == []


def test_a_query_that_hangs_does_not_block_others(start: Start) -> None:
    client = start(hang_seconds=1.0)
    other = Client(client.simulator)
    other.log_in("euro")
    failures: list[Exception] = []

    def hang() -> None:
        try:
            client.raw("GET", "query", {"query": "- select id from Leads;"})
        except requests.ConnectionError as error:
            failures.append(error)

    waiting = threading.Thread(target=hang)
    waiting.start()
    while not any(call.query.get("query", "").startswith("-") for call in client.simulator.calls):
        time.sleep(0.001)
    assert other.get("listtypes")["types"]
    assert waiting.is_alive()
    waiting.join()
    assert failures


def test_people_who_are_no_administrators_get_empty_pages(start: Start) -> None:
    client = start(rows=1000, user="euro")
    pages = [client.query(f"select id from Events order by id limit {skip},50;") for skip in range(0, 200, 50)]
    assert [bool(page) for page in pages] == [False, False, True, True]
    assert len(client.query("select id from Leads limit 100;")) == 100
    limited = start("simplycrm", sees_all=False)
    owners = limited.query("select assigned_user_id from Leads order by id limit 100;")
    assert 0 < len(owners) < 100
    assert {row["assigned_user_id"] for row in owners} == {"19x1", "20x5"}


def test_gone_owners_spoil_pages_on_corebos(start: Start) -> None:
    client = start("corebos", rows=1000)
    bad = [record for record in client.store.raw("Contacts") if record.values["assigned_user_id"] == "999"]
    assert len([record for record in bad if record.live]) == 3
    identifier = client.store.id(bad[0])
    code = "INVALID_ID_ATTRIBUTE"
    assert client.error("GET", "query", query=f"select * from Contacts where id >= '{identifier}' order by id;") == code
    assert client.query(f"select id from Contacts where id = '{identifier}';")
    assert client.query(f"select * from Contacts where id > '{identifier}' order by id limit 5;")
    spoilt = start("corebos", gone_owner_spoils_narrow_pages=True)
    assert spoilt.error("GET", "query", query="select id from Contacts limit 300;") == code


def test_corebos_grammar(start: Start) -> None:
    client = start("corebos")
    assert client.query("select id from Leads where (city is null or city like 'B%') and lastname is not null limit 3")
    rows = client.query("select id,Accounts.accountname from Contacts limit 100")
    assert any(row["accountsaccountname"] for row in rows)


def test_json_dialects(start: Start) -> None:
    query = {"query": "select lastname from Leads where lastname like 'ctl%';"}
    text = start().raw("GET", "query", query).text
    with pytest.raises(ValueError, match="control character"):
        json.loads(text)
    assert json.loads(text, strict=False)["result"][0]["lastname"] == "ctl\x01\x00x"
    for flavour in FLAVOURS[1:]:
        answer = start(flavour).raw("GET", "query", query)
        assert answer.json()["result"][0]["lastname"] == "ctl\x01\x00x"
        assert answer.text.isascii()


def test_many_rows() -> None:
    with VtigerSimulator(rows=20_000) as simulator:
        client = Client(simulator)
        client.log_in("admin")
        assert len(keyset(client, "Contacts", "id,modifiedtime")) == len(simulator.store.records("Contacts"))
