"""Everything about alfaCRM that nobody outside the vendor knows for sure, one switch each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Switches:
    """What the simulated tenant does where the documents are silent, differ, or differ from tenant to tenant.

    The defaults are what most clients in use rely on; where nothing points either way, what trips a careless client.
    """

    timezone: str = "Europe/Moscow"
    """The zone of every date and time; no value says its zone (seen in clients)."""

    # Access
    token_seconds: int = 3600
    """How long a token lives: 3600 in the newest documents, 900 in the older ones."""
    sliding_tokens: bool = False
    """Whether using a token prolongs it (not documented)."""
    login_revokes: bool = False
    """Whether a new login ends the tokens before it (inferred: it does not)."""
    stale_token_status: Literal[401, 403] = 401
    """The answer to a missing, wrong or expired token: 401 in newer clients, 403 in clients of 2020 and 2021."""
    login_refused_status: Literal[403, 401] = 403
    """The answer to a wrong pair of e-mail and key: 403 documented, 401 in one client."""
    app_key: Literal["ignored", "login", "every_call"] = "ignored"
    """Where ``X-APP-KEY`` is demanded; three newer clients send it, no document names it."""
    denied: frozenset[str] = frozenset()
    """Entities the user's role may not touch: 403 ``Access Denied``; ``"*"`` is all (documented for the module)."""
    absent: frozenset[str] = frozenset()
    """Entities that the tenant does not have: 404. The vendor documents seven; the others are clients' word."""
    error_type: str | None = None
    """The key ``type`` of error bodies, an exception class on stock debug builds of the framework."""
    requests_per_second: int | None = 5
    """More requests than this in any second are answered 429 (stated by three clients); ``None`` is no limit."""
    login_counts: bool = True
    """Whether a login counts against that limit (one client says so)."""

    # Branches
    unknown_branch_status: Literal[404, 403] = 404
    """The answer to a branch that does not exist (inferred)."""
    branch_optional: bool = False
    """Whether entities that no client calls without a branch can be called so; otherwise 404."""
    branch_shows_everything: bool = False
    """Whether a branch's list holds the rows of every branch (met on some tenants)."""
    writes_stay_in_branch: bool = False
    """Whether a row of another branch cannot be changed or deleted; then 404 (not documented)."""
    rooms_without_location: bool = True
    """Whether a branch lists rooms that have no location (one client misses them)."""

    # Lists
    page_size: int = 50
    """Rows a page unless asked otherwise (seen in five clients)."""
    page_size_cap: int = 200
    """The most rows a page; asking for more gives this many (one client; others asked for 500 and 1000)."""
    total: Literal["number", "missing", "text"] = "number"
    """Whether ``total`` is a number, is left out, or all three counters are texts."""
    items_by_id: bool = False
    """Whether ``items`` is an object of rows by id, as PHP writes a list that is not numbered from 0 (inferred)."""
    repeat_last_page: bool = False
    """Whether a page past the end is the last page again instead of an empty one."""
    discount_paged: bool = False
    """Whether ``discount/index`` pages; two clients met all rows on every page."""
    cgi_without_parent: Literal["400", "list"] = "400"
    """``cgi/index`` without ``group_id`` and ``customer_id``: refused, or all of the branch (one client)."""
    tariffs_without_parent: Literal["empty", "400"] = "empty"
    """``customer-tariff/index`` without ``customer_id`` in the query: no rows (seen), or refused."""
    communications_without_parent: Literal["400", "list"] = "400"
    """``communication/index`` without ``class`` and ``related_id``: refused, or all (one client pulls it by branch)."""
    unproven_entities: bool = False
    """Whether ``level``, ``group-level`` and ``group-status`` exist; clients tried them without proof."""
    unproven_writes: bool = False
    """Whether writes exist that no document names: teachers, discounts, deleting tasks, communications."""

    # Filters
    ignore_stamp_filters: bool = False
    """Whether ``updated_at_*`` and ``created_at_*`` have no effect, as on older tenants."""
    wrong_date_filter: Literal["nothing", "ignored"] = "nothing"
    """What a date filter in the wrong form gives: no rows, or no effect; never an error (seen both)."""
    inclusive_bounds: bool = True
    """Whether the days named by ``*_from`` and ``*_to`` belong to the answer (clients assume so)."""
    text_filter: Literal["substring", "exact"] = "substring"
    """How text filters match (assumed)."""
    custom_filters: bool = False
    """Whether ``custom_*`` keys filter (not documented)."""
    pay_date_filter: bool = True
    """Whether ``pay/index`` heeds ``date_from`` and ``date_to``; one client says it does not."""
    regular_related_filter: bool = True
    """Whether ``regular-lesson/index`` heeds group and related filters; one client says it does not."""

    # Forms of what is read
    stamps: Literal["iso", "dot", "absent"] = "iso"
    """``created_at`` and ``updated_at`` of customers, groups, members: date and time, dotted day, or left out."""
    pay_stamps: Literal["dot", "iso", "absent"] = "dot"
    """The same of pays; the one client that declares them has dotted days."""
    group_dates: Literal["dot", "iso"] = "dot"
    """``b_date`` and ``e_date`` of groups, by tenant or version."""
    group_teachers: Literal["ids", "null", "objects"] = "ids"
    """``teacher_ids`` of groups: ids, null, or in their place ``teachers`` with ``id`` and ``name``."""
    ids_as_text: bool = False
    """Whether the ids in ``teacher_ids`` are texts (one client)."""
    streaming: Literal["bool", "array"] = "bool"
    """``streaming`` of lessons (three clients met both)."""
    lesson_details: Literal["always", "by_id_or_customer"] = "always"
    """Whether a plain list of lessons has ``details`` (four clients), or only one filtered by id or customer (one)."""
    regular_dates: Literal["iso", "number"] = "iso"
    """``b_date`` and ``e_date`` of regular lessons: a date, or seconds since 1970 on some tenants."""
    regular_times: Literal["minutes", "seconds", "datetime"] = "minutes"
    """``time_from_v`` and ``time_to_v``: ``HH:MM``, ``HH:MM:SS`` or a full date and time."""
    regular_teacher_id: bool = False
    """Whether regular lessons also have ``teacher_id`` (one client)."""
    sunday: Literal[7, 0] = 7
    """``day`` of a Sunday's regular lesson; one client says 0."""
    cgi_display_dates: bool = False
    """Whether memberships also have ``b_date_v`` and ``e_date_v`` (some tenants)."""
    log_fields: Literal["object", "json", "list", "nothing"] = "object"
    """``fields_*`` of the log: an object, its JSON as text, a list of objects of one key, or always ``[]``."""
    empty_object: Literal["[]", '""', "{}"] = "[]"
    """What an empty object is read as; ``[]`` is how PHP writes it."""
    empty_custom: Literal["null", "absent"] = "null"
    """Whether an empty ``custom_*`` field is null or left out."""

    # Writes
    validation_status: Literal[200, 422] = 200
    """The status of a refused write; 422 in one client."""
    error_shape: Literal["map", "list_of_maps", "texts"] = "map"
    """``errors`` of a refused write: field to texts, a list of such, or texts only."""
    failed_model: bool = True
    """Whether a refused write has ``model`` too."""
    unknown_id: Literal["404", "errors"] = "404"
    """Changing or deleting what does not exist: 404 (likely), or an answer with ``success: false``."""
    update: Literal["merge", "overwrite"] = "merge"
    """Whether an update keeps the fields it does not name (documented samples) or wipes them (one client's belief)."""
    idle_update_stamps: bool = True
    """Whether an update that changes nothing moves ``updated_at`` (not documented)."""
    delete: Literal["hard", "archive"] = "hard"
    """Whether deleting removes a row or sets ``e_date`` (or ``is_archive``) where there is one."""
    max_lengths: Literal["reject", "cut", "ignore"] = "reject"
    """What happens to texts above the documented length (its enforcement is not documented)."""
    unknown_references: Literal["accept", "reject"] = "accept"
    """Whether an id that refers to nothing is refused (not documented)."""
    iso_birthday: Literal["ignored", "null", "accepted"] = "ignored"
    """What an ISO ``dob`` does; one author lost it silently."""
    iso_dates: Literal["reject", "ignored", "accepted"] = "reject"
    """What an ISO date does where clients write dotted ones: members, customer tariffs, regular lessons, pays."""
    customer_branch_required: bool = True
    """Whether a customer needs ``branch_ids``; otherwise the branch of the address is taken."""
    e_date_writable: bool = True
    """Whether writing ``e_date`` archives and restores (not documented)."""
    reject_archives: bool = False
    """Whether writing ``lead_reject_id`` or ``customer_reject_id`` archives (not documented)."""
    balance_writable: bool = False
    """Whether ``balance`` can be written, as in a gateway of 2018; otherwise it is ignored."""
    balance_stamps: bool = False
    """Whether a pay that changes a customer's balance moves the customer's ``updated_at`` (not documented)."""


CURRENT = Switches()
OLD = Switches(
    token_seconds=900,
    stale_token_status=403,
    ignore_stamp_filters=True,
    stamps="absent",
    pay_stamps="absent",
    group_dates="iso",
    log_fields="json",
    streaming="array",
    balance_writable=True,
)
PRESETS = {"current": CURRENT, "old": OLD, "unthrottled": Switches(requests_per_second=None)}
"""What a flavour switches; ``unthrottled`` is the current tenant without its limit of requests."""
