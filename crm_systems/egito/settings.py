"""Egito's settings: the credentials, and one for each point that the vendor's documentation leaves open."""

from __future__ import annotations

from crm_systems.model import Setting

DICTIONARIES = ["industry", "lead.source", "relationshipType"]
"""The dictionaries that the documentation names."""

SETTINGS = (
    Setting(
        "username", "string", "User name", "Login and tenant, as in login@firma (without .egito.pl).", required=True
    ),
    Setting("password", "string", "Password", "The user's password.", required=True, secret=True),
    Setting(
        "client_id",
        "string",
        "Client id",
        "API_ID of the key pair, made in Egito under Ustawienia > Ustawienia główne > Integracje i dane > API.",
        required=True,
    ),
    Setting("client_secret", "string", "Client secret", "API_SECRET of the key pair.", required=True, secret=True),
    Setting(
        "dictionaries",
        "array",
        "Dictionaries",
        "Codes of the dictionaries to read; fields tied to them get their labels.",
        default=DICTIONARIES,
    ),
    Setting("types", "array", "More types", "Types of records beside Lead, Account, Contact and Opportunity."),
    Setting(
        "token_parameters",
        "string",
        "Token parameters",
        "Where the log-in's parameters go: query, as documented, or form.",
        default="query",
        choices=("query", "form"),
    ),
    Setting(
        "read_method",
        "string",
        "Method of reading",
        "The HTTP method of `get` and `list`, which is not documented.",
        default="GET",
        choices=("GET", "POST"),
    ),
    Setting(
        "paging",
        "string",
        "Paging",
        "Names of the parameters for the size and the place of a page, as in max/offset, size/page or limit/start, "
        "which are not documented. auto: found out by asking; none: each list comes whole.",
        default="auto",
    ),
    Setting(
        "list_field",
        "string",
        "Field of a list",
        "The field of an answer that holds a list's records. Default: the one that does.",
    ),
    Setting(
        "modified_field",
        "string",
        "Time of the last change",
        "The field that holds when a record was changed. Default: `modified` or a name like it, if records have one.",
    ),
    Setting(
        "details",
        "string",
        "Details",
        "list: lists give records whole; get: each record is asked for one by one; auto: if one record shows more "
        "than its list.",
        default="auto",
        choices=("auto", "list", "get"),
    ),
    Setting(
        "write_format",
        "string",
        "Format of writing",
        "form: parameters as a browser sends them; json: nested objects; dotted_json: names such as "
        "mainPhoneNumber.suffix.",
        default="form",
        choices=("form", "json", "dotted_json"),
    ),
    Setting("timezone", "timezone", "Time zone", "The zone of times that name none.", default="Europe/Warsaw"),
)
