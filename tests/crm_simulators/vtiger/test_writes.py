"""The Vtiger simulator over a real socket: writing, and what ``sync`` tells about it."""

from __future__ import annotations

import calendar
import time
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from crm_simulators.vtiger.seed import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.crm_simulators.vtiger.client import Client

    Start = Callable[..., Client]

FLAVOURS = VtigerSimulator.flavours
STOCK = ("vtiger-8.4", "vtiger-8.0")


def lead(client: Client, identifier: str) -> dict[str, Any] | None:
    """A lead as query shows it."""
    rows = client.query(f"select * from Leads where id = '{identifier}';")
    return rows[0] if rows else None


def walk(client: Client, module: str, kind: str = "application", since: int = 1) -> list[dict[str, Any]]:
    """All pages of ``sync``."""
    pages = []
    more = True
    while more:
        page = client.get("sync", elementType=module, modifiedTime=since, syncType=kind)
        pages.append(page)
        more, since = page["more"], page["lastModifiedTime"]
    return pages


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_create_read_revise_delete(start: Start, flavour: str) -> None:
    client = start(flavour)
    made = client.create("Leads", lastname="Ünal", company="C", phone="1", nothing="x", leadstatus="No such")["id"]
    row = lead(client, made)
    assert row is not None
    assert (row["lastname"], row["leadstatus"], row["noofemployees"]) == ("Ünal", "No such", "0")
    client.simulator.clock.advance(60)
    client.post("revise", element={"id": made, "lastname": "a &amp; &lt;c&gt;", "phone": None})
    again = lead(client, made)
    assert again is not None
    text = "a &amp; &lt;c&gt;" if flavour == "corebos" else "a & <c>"
    assert (again["lastname"], again["phone"]) == (text, "")
    assert again["modifiedtime"] > row["modifiedtime"]
    assert client.post("delete", id=made) == {"status": "successful"}
    assert lead(client, made) is None
    gone = "INVALID_ID_ATTRIBUTE" if flavour == "corebos" else "ACCESS_DENIED"
    assert client.error("POST", "delete", id=made) == gone
    assert client.store.find(made).deleted


def test_silent_changes(start: Start) -> None:
    answer = start().create(
        "Leads",
        lastname="x" * 300,
        city="c" * 50,
        company="😀",
        annualrevenue="-12345.678",
        noofemployees="99999999999",
        cf_885="-1.239",
        cf_891="99999999999.999",
        cf_893="2020-02-31",
        cf_903="true",
        cf_911="25:99",
    )
    assert (len(answer["lastname"]), len(answer["city"]), answer["company"]) == (80, 30, "??")
    assert (answer["annualrevenue"], answer["cf_885"], answer["cf_891"]) == (
        "-12345.68000000",
        "-1.240",
        "9999999999.99",
    )
    assert (answer["noofemployees"], answer["cf_893"]) == ("2147483647", "0000-00-00")
    assert (answer["cf_903"], answer["cf_911"]) == ("0", "00:00:00")
    huge = start().create("Leads", lastname="Huge", company="c", annualrevenue="1e300", noofemployees="9" * 40)
    assert (huge["annualrevenue"], huge["noofemployees"]) == ("99999999999999999.99999999", "2147483647")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_owner_that_is_gone_creates_the_record_all_the_same(start: Start, flavour: str) -> None:
    client = start(flavour)
    before = len(client.store.raw("Contacts"))
    element = {"lastname": "orphan", "assigned_user_id": "19x999"}
    answer = client.raw("POST", "create", {"elementType": "Contacts", "element": element})
    if flavour == "corebos":
        assert answer.json()["error"]["code"] == "DATABASE_QUERY_ERROR"
    else:
        assert answer.text == "Sorry! Attempt to access restricted file."
        assert answer.headers["Content-Type"].startswith("text/html")
    assert len(client.store.raw("Contacts")) == before + 1
    assert client.store.raw("Contacts")[-1].values["assigned_user_id"] == "999"
    if flavour != "corebos":
        assert client.query("select * from Contacts where lastname='orphan';")[0]["assigned_user_id"] == "999"


def test_unique_names(start: Start) -> None:
    client = start()
    first = client.create("Accounts", accountname="Straße & Co")["id"]
    client.create("Accounts", accountname="Other")
    taken = {"accountname": "STRASE & co", "assigned_user_id": "19x1"}
    assert client.error("POST", "create", elementType="Accounts", element=taken) == 0
    client.post("delete", id=first)
    assert client.create("Accounts", **taken)
    mine = client.query("select id from Accounts where accountname='Other';")[0]["id"]
    assert client.post("revise", element={"id": mine, "accountname": "OTHER"})["accountname"] == "OTHER"
    assert client.error("POST", "revise", element={"id": mine, "accountname": "Strase & Co "}) == 0


def test_update_encodes_the_description_it_did_not_receive(start: Start) -> None:
    client = start()
    made = client.create("Leads", lastname="x", city="Berlin", description="d & é")["id"]
    seen = []
    for _ in range(3):
        client.post("update", element={"id": made, "lastname": "x", "assigned_user_id": "19x1"})
        row = lead(client, made) or {}
        seen.append((row["city"], row["description"]))
    texts = ["d & é", "d &amp; &eacute;", "d &amp;amp; &amp;eacute;"]
    assert seen == [("Berlin", text) for text in texts]


def test_update_on_simplycrm_blanks_what_was_not_sent(start: Start) -> None:
    client = start("simplycrm")
    made = client.create("Leads", lastname="x", city="Berlin", annualrevenue="5")["id"]
    answer = client.post("update", element={"id": made, "lastname": "y", "assigned_user_id": "19x1"})
    assert (answer["lastname"], answer["city"], answer["annualrevenue"]) == ("y", "", "0.00000000")
    assert answer["lead_no"]


def test_revise_may_be_missing(start: Start) -> None:
    client = start("simplycrm", revise=False)
    answer = client.raw("POST", "revise", {"element": {"id": "10x1"}})
    assert (answer.status_code, answer.text) == (500, "")


def test_deleting_a_parent_leaves_no_trace_in_its_children(start: Start) -> None:
    client = start()
    account = client.create("Accounts", accountname="Parent")["id"]
    child = client.create("Contacts", lastname="Child", account_id=account)["id"]
    before = client.store.get(child)
    assert before is not None
    client.simulator.clock.advance(60)
    client.post("delete", id=account)
    row = client.query(f"select account_id,modifiedtime from Contacts where id='{child}';")[0]
    assert row["account_id"] is None
    assert row["modifiedtime"] == before["modifiedtime"]
    assert client.store.find(child).values["account_id"] == account


def test_a_comment_touches_its_parent(start: Start) -> None:
    client = start()
    account = client.create("Accounts", accountname="Parent")
    client.simulator.clock.advance(60)
    client.create("ModComments", commentcontent="hello", related_to=account["id"])
    assert client.store.find(account["id"]).values["modifiedtime"] > account["modifiedtime"]


def test_a_task_without_its_type_becomes_an_event(start: Start) -> None:
    client = start()
    common = {"subject": "s", "date_start": "2026-01-01", "due_date": "2026-01-01"}
    task = {**common, "time_start": "10:00", "taskstatus": "Planned"}
    wrong = client.create("Calendar", **task)["id"]
    assert client.store.modules["Calendar"].prefix == int(wrong.split("x")[0])
    assert client.error("GET", "retrieve", id=wrong) == "INVALID_ID_ATTRIBUTE"
    assert client.get("retrieve", id=wrong.replace("9x", "18x"))["subject"] == "s"
    right = client.create("Calendar", **task, activitytype="Task")["id"]
    assert client.get("retrieve", id=right)["subject"] == "s"


def test_invoices(start: Start) -> None:
    client = start("vtiger-8.0")
    product = client.create("Products", productname="P", qtyinstock="10")["id"]
    account = client.create("Accounts", accountname="A")["id"]
    element = {
        "subject": "I",
        "account_id": account,
        "productid": product,
        "bill_street": "b",
        "ship_street": "s",
        "invoicestatus": "Created",
        "hdnTaxType": "group",
        "currency_id": "21x1",
        "conversion_rate": "1",
        "LineItems": [{"productid": product, "quantity": "2", "listprice": "10.5"}],
    }
    made = client.create("Invoice", **element)
    assert (made["hdnSubTotal"], made["conversion_rate"]) == (21, "1.000")
    assert client.store.find(product).values["qtyinstock"] == "8.000"
    lines = [line["id"] for line in client.get("retrieve", id=made["id"])["LineItems"]]
    revised = {"id": made["id"], "LineItems": [{"productid": product, "quantity": "1", "listprice": "1"}]}
    assert client.raw("POST", "revise", {"element": revised}).status_code == 500
    again = client.get("retrieve", id=made["id"])
    assert again["hdnGrandTotal"] == "1.00000000"
    assert [line["id"] for line in again["LineItems"]] != lines


def test_converted_leads(start: Start) -> None:
    client = start(sync_registered=True)
    made = client.create("Leads", lastname="conv", company="c")["id"]
    entities = {"Accounts": {"create": True, "name": "Accounts", "accountname": "ConvCo"}}
    element = {"leadId": made, "assignedTo": "19x1", "entities": entities}
    answer = client.post("convertlead", element=element)
    assert client.get("retrieve", id=answer["Accounts"])["accountname"] == "ConvCo"
    assert lead(client, made) is None
    assert client.get("retrieve", id=made)["lastname"] == "conv"
    assert made in {identifier for page in walk(client, "Leads") for identifier in page["deleted"]}
    assert client.error("POST", "convertlead", element=element) == "LEAD_ALREADY_CONVERTED"


@pytest.mark.parametrize("flavour", STOCK)
def test_stock_servers_cannot_sync(start: Start, flavour: str) -> None:
    call = {"elementType": "Leads", "modifiedTime": 1, "syncType": "application"}
    assert start(flavour).raw("GET", "sync", call).status_code == 500
    assert start(flavour, sync_registered=True).raw("GET", "sync", call).status_code == 200


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_sync_is_complete(start: Start, flavour: str) -> None:
    client = start(flavour, rows=1000, sync_registered=True)
    pages = walk(client, "Contacts")
    updated = [row["id"] for page in pages for row in page["updated"]]
    table = client.store.raw("Contacts")
    bad = {client.store.id(record) for record in table if record.values["assigned_user_id"] == "999"}
    assert sorted(updated) == sorted(
        client.store.id(record) for record in table if record.live and not _in(record, bad, client)
    )
    deleted = {identifier for page in pages for identifier in page["deleted"]}
    assert deleted == {client.store.id(record) for record in table if not record.live}
    assert max(len(page["updated"]) for page in pages) > 250


def _in(record: Any, identifiers: set[str], client: Client) -> bool:
    return client.store.id(record) in identifiers


def test_the_lower_bound_is_exclusive(start: Start) -> None:
    client = start("simplycrm", rows=1000)
    second = calendar.timegm(time.strptime(CLUSTER, "%Y-%m-%d %H:%M:%S"))
    stamps = [
        {
            row["modifiedtime"]
            for row in client.get("sync", elementType="Contacts", modifiedTime=since, syncType="application")["updated"]
        }
        for since in (second - 1, second)
    ]
    assert [CLUSTER in found for found in stamps] == [True, False]


def test_whose_changes_sync_tells(start: Start) -> None:
    client = start("simplycrm", rows=1000)

    def owners(kind: str) -> set[str]:
        return {row["assigned_user_id"] for page in walk(client, "Contacts", kind) for row in page["updated"]}

    assert owners("application") > owners("userandgroup") == {"19x1", "20x5"}
    assert owners("bogus") == owners("user") == {"19x1"}
    client.log_in("limited")
    call = {"elementType": "Contacts", "modifiedTime": 1, "syncType": "application"}
    assert client.error("GET", "sync", **call) == "ACCESS_DENIED"


def test_nothing_is_new_until_something_changes(start: Start) -> None:
    client = start("corebos")
    now = int(client.simulator.clock.now().timestamp())
    call = {"elementType": "Contacts", "modifiedTime": now - 60, "syncType": "application"}
    assert client.get("sync", **call)["updated"] == []
    made = client.store.insert("Contacts", {"lastname": "behind the back"})
    other = client.store.records("Contacts")[0]["id"]
    client.store.change(other, {"city": "x"}, touch=False)
    client.store.delete(client.store.records("Contacts")[1]["id"])
    page = client.get("sync", **call)
    assert [row["id"] for row in page["updated"]] == [made]
    assert len(page["deleted"]) == 1


def test_errors_may_be_spelt_differently(start: Start) -> None:
    client = start("simplycrm", error_keys=("errorCode", "errorMessage"))
    error = client.raw("GET", "describe", {"elementType": "Nothing"}).json()["error"]
    assert error["errorCode"] == "ACCESS_DENIED"
    assert "Nothing" in error["errorMessage"]


def test_logout(start: Start) -> None:
    client = start()
    assert client.error("GET", "logout") == "OPERATION_NOT_SUPPORTED"
    assert client.post("logout") == {"message": "successfull"}
    assert client.error("GET", "listtypes") == "INVALID_SESSIONID"
    assert start("simplycrm", logout_by_get=True).get("logout") == {"message": "successfull"}
