"""Every point on which the vendor's one page of text leaves a choice; the defaults are the plainest reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import tzinfo


@dataclass(frozen=True)
class Switches:
    """What nobody but a live tenant can tell; all of it inferred unless a docstring says otherwise."""

    token_in: Literal["both", "query", "form"] = "both"
    """Where the token endpoint looks for its parameters; the documentation puts them into the query."""
    token_seconds: int = 3600
    """The life of an access token; the documented sample with 3317 left suggests an hour."""
    refresh_seconds: int = 30 * 24 * 3600
    """The life of a refresh token (the default of Spring Security OAuth2)."""
    refresh_tokens: Literal["work", "absent", "refused"] = "work"
    """Refresh tokens work, are not given out, or are given out (documented) and refused when used."""
    grant_type_in_error: bool = False
    """Whether «Unsupported grant type» names the type, as older releases of Spring do."""
    requests_per_second: int | None = None
    """Beyond so many requests in a sliding second: 429 with ``Retry-After: 1``. No limit is documented."""

    ids: Literal["number", "string", "uuid"] = "number"
    """Ids as numbers, as numbers in strings, or as UUIDs."""
    first_id: int = 1
    """The first number that is given, for each type."""
    envelope: Literal["bare", "list", "items", "records", "data", "rows", "results"] = "bare"
    """A list as a bare array, or as an object with the array under this name."""
    total: Literal["none", "total", "totalCount", "totalElements", "count", "size"] = "none"
    """The name of the number of all rows in the object around a list."""
    total_as: Literal["number", "text", "page"] = "number"
    """That number as a number, as a text of digits, or in an object called ``page``, as by Spring's newer pages."""
    paging: Literal["none", "max_offset", "page_size", "start_limit", "pageNo", "unknown"] = "none"
    """The parameters of a page; with ``none`` they are ignored and every list is whole.

    With ``pageNo`` only the place of a page can be told, with ``unknown`` both have names that nobody guesses.
    """
    first_page: int = 0
    """The number of the first page with ``page_size``."""
    page_size: int = 50
    """How many rows a page has when it is not told."""
    largest_page: int = 200
    """What a larger page is cut to, without a word."""
    past_the_end: Literal["empty", "last"] = "empty"
    """What follows the last page: an empty one, or the last one again."""
    sorting: bool = False
    """Whether ``sort`` and ``order`` (``asc``, ``desc``) are heeded; if not, rows come by age."""
    filters: bool = True
    """Whether parameters with a field's name filter a list by equality; if not, they are ignored."""
    short_rows: bool = False
    """Whether a list tells only ``id``, ``name`` and ``surname``."""
    read_verbs: frozenset[str] = frozenset({"GET", "POST"})
    """The methods of get and list; no documentation names them."""

    modified_field: str | None = "modified"
    """The name of the time of the last change; None when records do not tell it."""
    zone: tzinfo | None = None
    """The zone of times that do not name theirs; None: Europe/Warsaw (inferred)."""
    dates: Literal["epoch_ms", "iso", "text"] = "epoch_ms"
    """Milliseconds since 1970, ISO 8601 with an offset, or ``yyyy-MM-dd HH:mm`` in Polish time."""
    nulls: Literal["null", "absent"] = "null"
    """Whether an empty field is null or left out."""
    prefix: Literal["raw", "dictionary"] = "raw"
    """Whether a phone number's prefix is what is dialled, or the id of a row of the dictionary ``phone.prefix``."""
    sex_field: str = "sexId"
    """What the field with the sex is called; the documentation says only that it is needed."""
    custom_fields: bool = False
    """Whether records have fields of the tenant's own, under ``customFields``."""
    extra_types: tuple[str, ...] = ()
    """Further types, of modules that the documentation does not mention."""

    json_keys: Literal["nested", "dotted", "both"] = "nested"
    """How a JSON body writes ``mainPhoneNumber.suffix``."""
    unknown_fields: Literal["ignore", "reject"] = "ignore"
    """A parameter that is no field: dropped without a word, as Spring's binding does, or an error."""
    update: Literal["whole", "partial"] = "whole"
    """Whether an update blanks what it does not name («as the browser sends when saving a form»), or keeps it."""
    required: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("Lead", ("surname", "sexId")),
        ("Account", ("name",)),
        ("Contact", ("surname", "accountId")),
        ("Opportunity", ("name", "accountId")),
    )
    """What a record cannot do without; documented: the sex of leads, the account of contacts and offers."""
    error_status: Literal[200, 400] = 200
    """The status of a reply with ``errors`` (that field is documented)."""
    error_shape: Literal["message", "spring", "strings"] = "message"
    """One error: ``{field, message}``, Spring's ``{field, defaultMessage, code, rejectedValue}``, or a text."""
    id_with_errors: bool = False
    """Whether a refused update tells the id all the same."""
    errors_on_success: bool = False
    """Whether a successful write brings an empty ``errors``."""
    get_shape: Literal["bare", "data", "type", "list", "anonymous"] = "bare"
    """A record as it is, in an object under ``data`` or its type's name, in a list, or without its id."""
    saved: Literal["id", "none", "null", "zero", "nested"] = "id"
    """What a create or an update answers: the id, nothing, ``null``, 0, or the id under ``data``."""
    unknown_id: Literal["errors", "404", "empty"] = "errors"
    """What get answers for an id that does not exist: ``errors``, 404, or ``{}``; an update says errors or 404."""
    not_found: Literal["json", "html", "empty"] = "json"
    """The body of a 404."""
    delete: bool = False
    """Whether ``<Type>/delete`` exists; only marketing text mentions deletion."""

    dictionary_row: Literal["full", "id_name", "id_label", "value_label", "code_name", "text"] = "full"
    """A dictionary's row: ``{id, name, type, position, active}``, one of two names, or nothing but ``{text}``."""
    dictionary_paged: bool = False
    """Whether dictionaries are paged too."""
    unknown_dictionary: Literal["errors", "empty"] = "errors"
    """What the list of a dictionary that does not exist answers."""
