"""Dictionaries, messages and the log."""

from __future__ import annotations

from crm_simulators.alfacrm.columns import Column, flag, ids, integer, moment, text, title
from crm_simulators.alfacrm.entity import ALL, READ, READ_CREATE_UPDATE, Entity, Filter, any_of, days, equal, texts_in

LOG = Entity(
    "log",
    (
        text("entity"),
        integer("entity_id"),
        integer("user_id"),
        integer("event"),
        Column("fields_old", "any"),
        Column("fields_new", "any"),
        Column("fields_rel", "any"),
        moment("date_time"),
        ids("branch_ids", hidden=True),
    ),
    scope="loose",
    order="date_time",
    filters={
        **equal("entity", "entity_id", "user_id", "event"),
        **days("date", "date_time", ("iso", "dot")),
    },
)


def _enabled(path: str, *more: Column, enabled_required: bool = True) -> Entity:
    """A dictionary with ``is_enabled``; that it is required is one library's word."""
    columns = (
        *more,
        title(),
        flag("is_enabled", "Включено", required=enabled_required, empty=1),
        integer("weight", empty=0),
    )
    filters = {**texts_in("name"), **equal("is_enabled")}
    return Entity(path, columns, branchless=True, actions=ALL, filters=filters)


BRANCH = Entity(
    "branch",
    (title(), flag("is_active", "Активен", required=True), ids("subject_ids"), integer("weight", empty=0)),
    branchless=True,
    actions=ALL,
    filters={**texts_in("name"), **equal("is_active"), **any_of("subject_ids")},
)
LOCATION = Entity(
    "location",
    (
        integer("branch_id", "Филиал", required=True, refers="branch"),
        title(),
        flag("is_active", "Активна", required=True),
        integer("weight", empty=0),
    ),
    scope="one",
    actions=ALL,
    filters={**texts_in("name"), **equal("is_active")},
)
ROOM = Entity(
    "room",
    (
        integer("branch_id", "Филиал", required=True, refers="branch"),
        integer("location_id", refers="location"),
        integer("streaming_id"),
        integer("color_id", "Цвет", required=True),
        title(),
        text("note", "Полное название", limit=50),
        flag("is_enabled", empty=1),
        integer("weight", "Порядок", required=True),
    ),
    scope="one",
    branchless=True,
    actions=ALL,
    filters=equal("is_enabled"),
)
SUBJECT = Entity(
    "subject",
    (title(), integer("weight", empty=0), flag("active", empty=1)),
    branchless=True,
    actions=ALL,
    filters={**texts_in("name"), "active": Filter("only_true", "active")},
)
LEAD_SOURCE = Entity(
    "lead-source",
    (
        text("code", "Код", required=True),
        title(),
        flag("is_enabled", "Включено", required=True),
        integer("weight", empty=0),
    ),
    branchless=True,
    actions=ALL,
    filters={**texts_in("code", "name"), **equal("is_enabled")},
)
DICTIONARIES = (
    BRANCH,
    LOCATION,
    ROOM,
    SUBJECT,
    LEAD_SOURCE,
    *(_enabled(path) for path in ("study-status", "lead-status", "lead-reject", "customer-reject")),
    Entity(
        "lesson-type",
        (title(), integer("type"), text("icon"), flag("is_active", empty=1), integer("sort", empty=0)),
    ),
    Entity(
        "pay-account",
        (
            integer("branch_id", "Филиал", refers="branch"),
            title(),
            ids("user_ids"),
            flag("is_enabled", empty=1),
            integer("weight", empty=0),
        ),
        scope="one",
        actions=READ_CREATE_UPDATE,
    ),
    Entity(
        "pay-item",
        (
            ids("branch_ids", refers="branch"),
            integer("category_id", refers="pay-item-category"),
            ids("pay_type_ids", refers="pay-type"),
            title(),
            integer("weight", empty=0),
        ),
        scope="loose",
        actions=READ_CREATE_UPDATE,
    ),
    Entity("pay-item-category", (title(), integer("weight", empty=0)), actions=READ_CREATE_UPDATE),
    *(Entity(path, (title(),), actions=READ) for path in ("pay-type", "pipeline", "company")),
)
UNPROVEN = tuple(Entity(path, (title(),)) for path in ("level", "group-level", "group-status"))
"""Tried by clients, never proven: served with the switch ``unproven_entities`` only."""

_SENT = {**equal("user_id", "is_fail", "is_sent", "is_archive"), **days("added", "added"), **days("date", "sent_date")}
_SENDING = (
    flag("is_fail", empty=0),
    flag("is_sent", empty=1),
    moment("added"),
    moment("sent_date"),
    integer("branch_id", hidden=True),
    integer("user_id", hidden=True),
    flag("is_archive", empty=0, hidden=True),
)
MESSAGES = (
    Entity(
        "sms-message",
        (text("phone"), text("text"), *_SENDING),
        scope="one",
        filters={**_SENT, **texts_in("phone")},
    ),
    Entity(
        "mail-message",
        (text("email"), text("subject"), text("html"), text("name", hidden=True), *_SENDING[1:]),
        scope="one",
        filters={**_SENT, **texts_in("email", "name", "subject")},
    ),
    Entity(
        "phone-call",
        (text("phone"), integer("duration"), moment("added"), integer("branch_id", hidden=True)),
        scope="one",
        filters=days("date", "added"),
    ),
)
