"""What the target's settings mean for one stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from crm_systems.errors import ConfigError
from crm_systems.settings import as_list, as_names, did_you_mean
from target_crm import files
from target_crm.options.declared import CONFLICTS, WRITE_MODES

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_A_STREAM = ("entity", "identify_by", "write_mode", "fields", "conflicts")
"""What `streams` may say of one."""
BY_KEY = ("id", "ledger")
THREE_CHOICES = (
    'say how an incoming record is recognised in the CRM: "id", its key is the id in this CRM; "ledger", by what '
    'earlier runs wrote; or a list of fields such as ["email"], by the same values. A guess would overwrite strangers '
    "or double records"
)


@dataclass(frozen=True)
class StreamOptions:
    """What the settings say for one stream."""

    stream: str
    entity: str
    identify_by: Literal["id", "ledger", "fields"]
    match_fields: tuple[str, ...]
    """The fields of the CRM that identify a record, or one that the ledger does not know; empty where none do."""
    write_mode: Literal["upsert", "update_only", "create_only", "convert"]
    deletes: Literal["ignore", "apply"]
    unknown_fields: Literal["reject", "drop"]
    dry_run: bool
    settle_seconds: float
    fields: Mapping[str, str | None] = field(default_factory=dict)
    conflicts: str | None = None
    """What is done with conflicts; None where nobody said."""
    conflicts_of: Mapping[str, str] = field(default_factory=dict)
    """The same for single fields of the CRM."""

    @property
    def may_create(self) -> bool:
        """Whether what is not in the CRM is created."""
        return self.write_mode in ("upsert", "create_only")

    @property
    def compares_three_ways(self) -> bool:
        """Whether it counts what both sides held last; of records from this same CRM, only if somebody asks."""
        if self.write_mode == "create_only":
            return False
        return self.identify_by != "id" or bool(self.conflicts or self.conflicts_of)

    @property
    def lets_the_crm_win(self) -> bool:
        """Whether there are conflicts by which the source does not get its way."""
        return {self.conflicts or "source", *self.conflicts_of.values()} != {"source"}

    def policy_of(self, name: str) -> str:
        """What is done with a conflict over a field of the CRM."""
        return self.conflicts_of.get(name) or self.conflicts or "source"


def options_of(settings: Mapping[str, Any], stream: str) -> StreamOptions:
    """The options of a stream.

    Raises:
        ConfigError: nobody said how its records are to be recognised.
    """
    own = settings["streams"].get(stream) or {}
    identify_by = _identify_by(own.get("identify_by", settings["identify_by"]))
    if identify_by is None:
        raise ConfigError(f"`identify_by` is not set for the stream {stream}", hint=THREE_CHOICES)
    of_fields = own.get("conflicts") or {}
    return StreamOptions(
        stream=stream,
        entity=own.get("entity") or stream,
        identify_by=cast("Literal['id', 'ledger']", identify_by[0]) if identify_by[0] in BY_KEY else "fields",
        match_fields=identify_by[1:] if identify_by[0] in BY_KEY else identify_by,
        write_mode=own.get("write_mode") or settings["write_mode"],
        deletes=settings["deletes"],
        unknown_fields=settings["unknown_fields"],
        dry_run=settings["dry_run"],
        settle_seconds=settings["settle_seconds"],
        fields=as_names(own.get("fields") or {}),
        conflicts=settings["conflicts"] if isinstance(of_fields, Mapping) else of_fields,
        conflicts_of=of_fields if isinstance(of_fields, Mapping) else {},
    )


def problems(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with settings that are right one by one."""
    found = [_problem_of_identify_by("`identify_by`", settings["identify_by"])]
    for stream, own in settings["streams"].items():
        found += _problems_of_stream(f"`streams` for {stream}", own)
    if settings["max_rejects"] and not settings["rejects_path"]:
        found.append("`rejects_path` is missing: it is needed where `max_rejects` is not 0, so that nothing is lost.")
    if str(settings["report_path"] or "").endswith(".json"):
        found.append("`report_path` is the HTML page; the same as JSON goes beside it, so it must not end in .json.")
    return [each for each in found if each] + files.problems(settings)


def _problems_of_stream(where: str, own: Any) -> list[str]:
    if own is None:
        return []
    if not isinstance(own, Mapping):
        return [f"{where} must be an object, or null to leave the stream out."]
    found = [
        f"{where} has `{name}`, which means nothing there{did_you_mean(name, OF_A_STREAM)}"
        for name in own
        if name not in OF_A_STREAM
    ]
    if not isinstance(own.get("entity") or "", str):
        found.append(f"{where}: entity must be the name of one.")
    if own.get("write_mode", "upsert") not in WRITE_MODES:
        found.append(f"{where}: write_mode must be one of {', '.join(WRITE_MODES)}.")
    conflicts = own.get("conflicts") or {}
    if any(each not in CONFLICTS for each in (conflicts.values() if isinstance(conflicts, Mapping) else [conflicts])):
        found.append(f"{where}: conflicts must be {', '.join(CONFLICTS)}, or an object of CRM fields and these.")
    try:
        as_names(own.get("fields") or {})
    except (ValueError, TypeError):
        found.append(f"{where}: fields must be an object of incoming fields and CRM fields.")
    found.append(_problem_of_identify_by(f"{where}: identify_by", own.get("identify_by")))
    return found


def put_together(streams: Mapping[str, Any]) -> dict[str, Any]:
    """The streams under their whole names, where Meltano nested them at the periods."""
    return dict(pair for name, own in streams.items() for pair in _streams_in(name, own))


def _streams_in(name: str, own: Any) -> Iterator[tuple[str, Any]]:
    if _is_nested(own):
        for more, inner in own.items():
            yield from _streams_in(f"{name}.{more}", inner)
    else:
        yield name, own


def _is_nested(own: Any) -> bool:
    if not isinstance(own, Mapping) or not own or _is_stream(own):
        return False
    return all(_is_stream(inner) or _is_nested(inner) for inner in own.values())


def _is_stream(own: Any) -> bool:
    return isinstance(own, Mapping) and not own.keys().isdisjoint(OF_A_STREAM)


def _problem_of_identify_by(where: str, value: Any) -> str:
    try:
        _identify_by(value)
    except ValueError:
        return f'{where} must be "id", "ledger" or a list of fields such as ["email"].'
    return ""


def _identify_by(value: Any) -> tuple[str, ...] | None:
    """``id``, ``ledger`` or names of fields; names may follow the ledger."""
    if value in (None, ""):
        return None
    told = as_list(value)
    names = tuple(told) if isinstance(told, list) else ()
    if names and all(isinstance(each, str) for each in names) and "id" not in names[len(names) == 1 :]:
        return names
    raise ValueError
