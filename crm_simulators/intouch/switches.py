"""Every point on which the vendor's documentation leaves a choice; the defaults are the likeliest reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ALL_RESOURCES = frozenset({"parties", "opportunities", "buscases", "products", "stores", "invoices", "comm"})


@dataclass(frozen=True)
class Switches:
    """What nobody but a live installation can tell; all of it inferred unless a docstring says otherwise."""

    context_path: str = ""
    """Where the installation sits below the host, for example ``/intouch`` (documented that it may)."""
    error_bodies: bool = True
    """Whether errors carry the standard JSON; documented as «mostly», so a client must live without."""
    about: Literal["public", "absent"] = "public"
    """Whether ``/api/about`` tells version and time zone, to anybody (documented)."""
    missing_resource: Literal["json", "html", "empty"] = "json"
    """The body of the 404 for a resource that this version does not have."""
    requests_per_second: int | None = None
    """Beyond so many requests in a sliding second: 429 with ``Retry-After: 1``. No limit is documented."""
    wrong_media_type: int = 415
    """The status for a body that is not declared as ``application/json``."""

    oversize: Literal["clamp", "reject"] = "clamp"
    """``size`` beyond 1000: cut to 1000 (and echoed as 1000), or 400."""
    unknown_order: Literal["reject", "ignore"] = "reject"
    """``orderBy`` with an unknown field: 400, or unsorted without a word."""
    nulls_first: bool = True
    """Whether an ascending order begins with nulls (as MySQL has it) or ends with them (as PostgreSQL has it)."""
    members_paged: bool = True
    """Whether ``/api/members`` heeds ``position`` and ``size``; if not, one page holds every link."""

    post_with_id: Literal["reject", "ignore"] = "reject"
    """POST of a record with an ``id``, which the documentation forbids: 400, or the id is dropped."""
    patch: frozenset[str] = frozenset({"parties", "opportunities", "buscases", "comm"})
    """Resources that offer PATCH; the others answer 405."""
    put: frozenset[str] = ALL_RESOURCES
    """Resources that offer PUT (documented except for parties and invoices)."""
    single_invoices: bool = True
    """Whether ``/api/invoices/{id}`` exists."""
    put_resets: bool = True
    """PUT resets what the body lacks (documented: «overwrites»), or merges."""
    delete: Literal[405, 404, 204] = 405
    """What DELETE of a record answers; 204 means that it works."""
    unknown_fields: Literal["reject", "ignore"] = "reject"
    """A field that the resource does not have: 400 (writes pass «strict validation»), or dropped."""
    required: bool = True
    """Whether fields without which a record makes no sense are asked for."""
    mixed_party: Literal["reject", "accept"] = "reject"
    """An ORGANIZATION with a person's name in it, which the documentation forbids: 400, or stored."""
    duplicate_rule: frozenset[str] = frozenset({"ico", "email"})
    """What makes two parties duplicates, any of: ``ico``, ``email``, ``phone``, ``name``."""
    location: Literal["absolute", "relative", "absent"] = "absolute"
    """The form of the ``Location`` header of a 201."""

    custom_attributes: Literal["flat", "nested", "absent"] = "flat"
    """Where custom fields stand: among the others, under ``attributes``, or nowhere."""
    contact_details: Literal["array", "object", "flat", "absent"] = "array"
    """E-mails and phones: ``contacts:[{type,value}]``, ``contacts:{EMAIL:[…]}``, ``email``/``email2``/…, or nowhere."""
    broken: frozenset[int] = frozenset()
    """Ids of records over which the server fails, alone and on each page: 500 (inferred from other servers)."""
    nulls: Literal["null", "absent"] = "null"
    """Whether an empty field is null or left out."""
    never_modified: Literal["entered", "null", "absent"] = "entered"
    """``modified`` of a record that was never changed: as ``entered``, null, or left out."""
    time_format: Literal["HH:mm", "HH:mm:ss"] = "HH:mm"
    """How a time of day is written; both are read."""
    case_type_in_record: bool = True
    """Whether an order tells its ``caseType``."""
    case_types_listed: bool = True
    """Whether the types of orders are a code list (``_caseType``)."""
    unknown_case_type: Literal["empty", "reject"] = "empty"
    """Orders of a type that does not exist: an empty page, or 400."""
    member_date_name: Literal["enteredDate", "enterDate"] = "enteredDate"
    """The documentation's sample says the first, its field table the second."""
    member_dates: Literal["datetime", "date"] = "datetime"
    """The sample has a time part, the field table says date."""
    invoice_items: str = "items"
    """The name of the array of an invoice's lines."""

    connect_member: Literal["path", "body"] = "path"
    """``POST parties/{org}/connect-member/{member}``, or ``POST parties/connect-member`` with both in the body."""
    connect_twice: Literal["reject", "update"] = "reject"
    """A link that exists already: 400 (documented: it cannot exist twice), or changed with 200."""
    import_verb: Literal["POST", "PUT"] = "POST"
    """The method of ``parties/import``."""
    import_matches: tuple[str, ...] = ("id", "ico", "email")
    """How ``parties/import`` recognises a party, best first."""
    import_merges: bool = True
    """Whether an import keeps the fields that it does not name."""
    import_updated_status: int = 200
    """The status of an import that met a known party; a new one is 201."""
    import_body: Literal["record", "id", "empty"] = "record"
    """What an import answers."""
