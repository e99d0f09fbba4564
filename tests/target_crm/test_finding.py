"""What is in the CRM is found, however the server cuts its pages: else it would be written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger.inventory import add_lines
from tests.target_crm.writing import one, pipe, record, run, schema, settings, stored, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


def test_the_exact_name_among_more_than_a_page_of_similar_ones(crm: VtigerSimulator, tmp_path: Path) -> None:
    for _turn in range(230):
        crm.store.insert("Contacts", {"lastname": "Müller"})
    crm_id = crm.store.insert("Contacts", {"lastname": "muller"})
    crm.store.insert("Contacts", {"lastname": "Somebody else"})
    person = {"id": "1", "lastname": "muller", "phone": "7"}
    result = run(settings(crm, tmp_path, identify_by=["lastname"]), pipe("Contacts", [person]))
    assert result.exit == ""
    assert writes(crm) == [("revise", {"id": crm_id, "phone": "7"})]


def test_a_document_beside_one_with_many_lines(vtiger: Callable[..., VtigerSimulator], tmp_path: Path) -> None:
    crm = vtiger("vtiger-8.0")
    whole = {"hdnTaxType": "individual", "conversion_rate": "1.000"}
    wanted, longest = (crm.store.insert("Invoice", {"subject": name, **whole}) for name in ("Mine", "Long"))
    line = {"productid": crm.store.records("Products")[0]["id"], "quantity": "1", "listprice": "2"}
    for crm_id, lines in ((wanted, 70), (longest, 140)):
        document = crm.store.lookup(crm_id)
        assert document is not None
        add_lines(crm.store, document, [line] * lines)
    # The server begins with the long one.
    crm.store.change(wanted, {"assigned_user_id": "20x5"})
    for by, key in (("id", wanted), (["subject"], "1")):
        crm.calls.clear()
        messages = [
            schema("Invoice", ("id", "subject", "customerno")),
            record("Invoice", id=key, subject="Mine", customerno=str(by)),
        ]
        config = settings(crm, tmp_path, identify_by=by, streams={"Invoice": {"write_mode": "update_only"}})
        assert run(config, messages).exit == ""
        assert writes(crm) == [("revise", {"id": wanted, "conversion_rate": "1.000", "customerno": str(by)})]


def test_a_newest_record_that_cannot_be_read_spoils_no_other(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("corebos")
    crm_id = crm.store.insert("Contacts", {"lastname": "Novák"})
    crm.store.insert("Contacts", {"lastname": "Lost", "assigned_user_id": "999"})
    people = [{"id": "1", "lastname": "Novák", "phone": "7"}, {"id": "2", "lastname": "New"}]
    result = run(settings(crm, tmp_path, identify_by=["lastname"]), pipe("Contacts", people))
    assert result.exit == ""
    assert [operation for operation, _ in writes(crm)] == ["revise", "create"]
    assert one(crm, "Contacts", lastname="Novák")["id"] == crm_id


def test_a_record_that_cannot_be_read_may_be_the_one_so_none_is_created(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("corebos")
    for _turn in range(150):
        crm.store.insert("Contacts", {"lastname": "Müller"})
    crm.store.insert("Contacts", {"lastname": "muller", "assigned_user_id": "999"})
    result = run(
        settings(crm, tmp_path, identify_by=["lastname"]), pipe("Contacts", [{"id": "1", "lastname": "muller"}])
    )
    assert "1 is rejected" in result.exit
    assert writes(crm) == []


def test_texts_that_a_server_takes_for_a_part_of_the_question(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    """Regular expressions divide a query on coreBOS before it is parsed (measured), and hit what stands in a value."""
    crm = vtiger("corebos")
    names = ["Plain", "'t Hart B.V.", "'(x)", "Foo (UK) Ltd.", "Bar (US) Inc.", "two\nlines", "a\ttab", "a where [x"]
    names += ["a select [1", "(030) 12", "(040) 13", "Z a)b.c", "50%_[1] \\", "Last"]
    for name in names:
        crm.store.insert("Accounts", {"accountname": name})
    records = [{"id": str(place), "accountname": name} for place, name in enumerate(names)]
    result = run(settings(crm, tmp_path, identify_by=["accountname"]), pipe("Accounts", records))
    assert result.exit == ""
    assert writes(crm) == []


def test_an_administrator_is_found_as_one_and_made_one(crm: VtigerSimulator, tmp_path: Path) -> None:
    user = stored(crm, "Users", user_name="euro")[0]["id"]
    fields: dict[str, Any] = {"user_name": "euro", "is_admin": True}
    messages = [schema("Users", ("id", *fields)), record("Users", id="1", **fields)]
    config = settings(crm, tmp_path, identify_by=["user_name"], write_mode="update_only")
    assert run(config, messages).exit == ""
    assert writes(crm) == [("revise", {"id": user, "is_admin": "on"})]
    assert one(crm, "Users", user_name="euro")["is_admin"] == "on"
    again = run(config, messages)
    assert again.line("Users") == "Users → Users: 1 unchanged"


def test_an_id_is_only_looked_for_where_it_can_be(crm: VtigerSimulator, tmp_path: Path) -> None:
    comment, contact = crm.store.insert("ModComments", {}), crm.store.records("Contacts")[0]["id"]
    crm.store.change(comment, {"commentcontent": "x"})
    messages = [
        schema("ModComments", ("id", "related_to")),
        record("ModComments", id=comment, related_to=contact),
    ]
    assert run(settings(crm, tmp_path, identify_by="id"), messages).exit == ""
    assert writes(crm) == [("revise", {"id": comment, "related_to": contact})]
    asked = [call.query["query"] for call in crm.calls if f"'{contact}'" in call.query.get("query", "")]
    assert {query.split()[3] for query in asked} == {"Contacts"}


def test_what_cannot_be_queried_can_be_referred_to(vtiger: Callable[..., VtigerSimulator], tmp_path: Path) -> None:
    crm = vtiger("simplycrm")
    crm_id = crm.store.insert("PriceBooks", {"bookname": "Prices", "currency_id": "21x1"})
    messages = [
        schema("PriceBooks", ("id", "currency_id")),
        record("PriceBooks", id=crm_id, currency_id="21x2"),
    ]
    result = run(settings(crm, tmp_path, identify_by="id"), messages)
    assert result.exit == ""
    assert writes(crm) == [("revise", {"id": crm_id, "currency_id": "21x2"})]


@pytest.mark.parametrize("by", [["email"], ["ledger", "email"]], ids=str)
def test_blanks_around_an_email_make_no_other_person(crm: VtigerSimulator, tmp_path: Path, by: list[str]) -> None:
    crm_id = crm.store.insert("Contacts", {"lastname": "Novák", "email": "ann@example.com"})
    emails = [" ann@example.com", "ANN@example.com ", "ann@example.com"]
    people = [{"id": str(number), "lastname": "Novák", "email": email} for number, email in enumerate(emails)]
    nobody = {"id": "9", "lastname": "Nobody", "email": " "}
    config = settings(crm, tmp_path, identify_by=by, max_rejects=1, rejects_path=str(tmp_path / "rejects"))
    assert run(config, pipe("Contacts", [*people, nobody])).exit == ""
    assert [each["id"] for each in stored(crm, "Contacts", lastname="Novák")] == [crm_id]
    assert one(crm, "Contacts", id=crm_id)["email"] == "ann@example.com"
    assert len(stored(crm, "Contacts", lastname="Nobody")) == (0 if by == ["email"] else 1)
