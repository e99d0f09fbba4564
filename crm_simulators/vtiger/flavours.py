"""How the four servers of the family differ; measured, except simplycrm, which follows the source of Vtiger 7.2."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flavour:
    """One server of the family; the defaults are Vtiger 8.4.0."""

    name: str
    version: str
    is_corebos: bool = False
    is_simplycrm: bool = False
    token_seconds: int = 300
    limits_sessions: bool = False
    unknown_session: str = "INVALID_SESSIONID"
    empty_is_null: bool = False
    """Whether empty dates, numbers and references come as null in query; else as an empty string."""
    escapes: bool = True
    """Whether the JSON is PHP's own (ASCII only); else raw UTF-8 with raw control characters."""
    counts: bool = True
    """Whether ``count(*)`` works for entity modules."""
    page_cap: int | None = 100
    wide_grammar: bool = False
    """Whether VTQL knows parentheses, IS NULL, dotted names and no closing semicolon."""
    swallows_sql_errors: bool = True
    syncs: bool = True
    """Whether ``sync`` works without an administrator's help."""
    sync_from_zero: bool = False
    """Whether ``modifiedTime=0`` is accepted (inferred for simplycrm)."""
    sync_of_everything: bool = True
    """Whether ``sync`` without ``elementType`` works (documented for simplycrm, unknown for corebos)."""
    creates_inventory: bool = True
    revised_lines_crash: bool = False
    half_made: frozenset[str] = frozenset()
    """Tax types of documents whose create fails when the document is there and its lines are not."""
    update_blanks: bool = False
    missing_is_wrong_id: bool = False
    long_login: bool = False
    """Whether the login result also tells about the user."""
    tells_unknown_operation: bool = False
    joins_lines: bool = True
    """Whether ``select *`` of an inventory module is joined with its lines."""
    queries_non_entities: bool = True
    tells_secrets: bool = False
    """Whether ``select *`` of users holds the hashes of their passwords and their access keys."""
    question_marks: str = "????"
    """What a character of four bytes becomes."""
    decimals: int | None = None
    """Decimals of every number, where they do not depend on the column."""


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour(
            "vtiger-8.4",
            "8.4.0",
            empty_is_null=True,
            escapes=False,
            counts=False,
            question_marks="??",
            syncs=False,
            sync_of_everything=False,
            creates_inventory=False,
            revised_lines_crash=True,
            long_login=True,
        ),
        Flavour(
            "vtiger-8.0",
            "8.0.0",
            syncs=False,
            sync_of_everything=False,
            revised_lines_crash=True,
            half_made=frozenset({"individual"}),
            long_login=True,
            tells_secrets=True,
        ),
        Flavour(
            "corebos",
            "5.4.0",
            is_corebos=True,
            token_seconds=7200,
            unknown_session="AUTHENTICATION_REQUIRED",
            page_cap=None,
            wide_grammar=True,
            swallows_sql_errors=False,
            missing_is_wrong_id=True,
            tells_unknown_operation=True,
            joins_lines=False,
            decimals=6,
        ),
        Flavour(
            "simplycrm",
            "7.2.0",
            is_simplycrm=True,
            limits_sessions=True,
            sync_from_zero=True,
            update_blanks=True,
            queries_non_entities=False,
        ),
    )
}
