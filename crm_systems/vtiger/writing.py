"""What Vtiger takes: creates, changes, conversions and deletions."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from crm_systems.beside import CONTENT
from crm_systems.errors import Rejected
from crm_systems.kinds import FREE_TEXTS
from crm_systems.model import File, Kind, Request
from crm_systems.vtiger import leads
from crm_systems.vtiger.answers import RECORD, shape_of
from crm_systems.vtiger.corebos import TYPED, as_made, as_typed, check_new, spoilt, taxes_lines
from crm_systems.vtiger.describe import LINES
from crm_systems.vtiger.doubles import naming_doubles
from crm_systems.vtiger.files import VtigerFiles, with_file
from crm_systems.vtiger.lines import has_lines, kept_of, kept_with_lines, replace_lines, tell_altered, with_lines
from crm_systems.vtiger.lists import VtigerLists
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.model import Call, Entity, Field, Row

ACTIVITY = {"Calendar": "Task", "Emails": "Emails"}
"""The only ``activitytype`` that a module shows; with another one a record is made all the same (measured)."""


class VtigerWriting(VtigerFiles, VtigerLists):
    """What of Vtiger writes; a change looks records up first."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._revise_decodes = True

    def encode(self, field: Field, value: Any) -> Any:
        """As :func:`~crm_systems.wire.encode`, but for the one boolean that is kept as on and off (measured)."""
        if field.name == "is_admin" and value is not None:
            return "on" if value else "off"
        return super().encode(field, value)

    def remarks(self, entity: Entity, values: Mapping[str, Any]) -> Iterable[str]:
        """A file goes along with its document, or comes after it; coreBOS taxes lines by itself.

        Raises:
            Rejected: coreBOS would fail on it, or its module would not show it.
        """
        check_new(entity, values)
        _check_activity(entity, values.get("activitytype"))
        if values.get("filelocationtype") == "I" and CONTENT not in values:
            yield "«internal» documents are written without their file, which may follow as a stream of files"
        if taxes_lines(entity, values):
            yield "the CRM takes the taxes of lines from their products, or all that it has where `hdnTaxType` is group"

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """Leaves out what is empty; a task and an e-mail say what they are.

        Raises:
            Rejected: the server failed over it and says that it did not.
        """
        element = {name: value for name, value in self.encoded(entity, values).items() if value or not is_empty(value)}
        if entity.name in ACTIVITY:
            element.setdefault("activitytype", ACTIVITY[entity.name])
        if element.get(LINES.name) and entity.private.get(TYPED) is None:
            element.setdefault("productid", element[LINES.name][0].get("productid"))
        files = with_file(entity, element)
        form = {"operation": "create", "elementType": entity.name, "element": self._written(entity, element)}
        about = f"{entity.name}: create"
        try:
            row: Row = call(Request("POST", about, form=form, files=files, repeatable=False, shape=RECORD))
        except Rejected as error:
            raise naming_doubles(error, entity, element) from None
        if _lost_its_name(entity, element, row) and self.get(call, entity, row["id"]) is None:
            why = f"{about}: the CRM says that it made {row['id']}, and does not show it"
            raise Rejected(why, hint="its database may be in trouble")
        tell_altered(entity.name, row, element.get(LINES.name) or ())
        return self._as_stored(call, entity, element, row)

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """By ``revise``: ``update`` re-encodes texts that it was not given (measured).

        Revise decodes HTML entities before it stores a text (measured on 8.4.0; coreBOS does not), so they are sent
        encoded once more; on a server that turns out not to, they are sent again as they are.
        """
        plain = self.encoded(entity, values)
        if isinstance(plain.get(CONTENT), File):
            return self.replace_file(call, entity, current, self._whole(call, entity, current), plain)
        if LINES.name in plain and not plain[LINES.name]:
            why = f"{entity.name}: the CRM takes no document's last line away"
            raise Rejected(why, hint="delete the document, or its lines in the CRM", field=LINES.name)
        if LINES.name in plain and entity.private.get(TYPED) is None:
            document = with_lines(call, entity.name, current)
            # A run that was cut off may have sent them; to send them again would take goods from stock once more.
            if not has_lines(document, plain[LINES.name], exactly=True):
                kept = kept_with_lines(entity, current, document, plain)
                row = replace_lines(call, entity.name, {"id": current["id"], **kept, **plain})
                tell_altered(entity.name, row, plain[LINES.name])
                return row
            del plain[LINES.name]
            if not plain:
                return document
        meant = {**self._spoilt(entity, current), **plain}
        decodes = self._revise_decodes and entity.private.get(TYPED) is None
        sent = {name: _shielded(value) for name, value in meant.items()} if decodes else meant
        row = self._revise(call, entity, current, sent)
        row = self._as_stored(call, entity, plain, row)
        if any(_was_kept(value, meant[name], row.get(name)) for name, value in sent.items()):
            self._revise_decodes = False
            row = self._revise(call, entity, current, meant)
        return row

    def _as_stored(self, call: Call, entity: Entity, meant: Mapping[str, Any], row: Row) -> Row:
        """What a write stored; of texts that its answer shows decoded, a query tells it.

        Measured on berliCRM, and on 8.0.0, whose revise shows a text as it was that differs from it by entities only.
        """
        texts = {name: value for name, value in meant.items() if isinstance(value, str)}
        if not any(value != row.get(name) == html.unescape(value) for name, value in texts.items()):
            return row
        stored = self.get(call, entity, row["id"]) or {}
        return {**row, **{name: value for name, value in stored.items() if name in row}}

    def _whole(self, call: Call, entity: Entity, current: Row) -> Row:
        """All of a record, to be written again."""
        return current

    def _revise(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        element = {"id": current["id"], **kept_of(entity, current, values), **values}
        form = {"operation": "revise", "element": self._written(entity, element)}
        try:
            row: Row = call(Request("POST", f"{entity.name}: revise", form=form, shape=shape_of(current["id"])))
        except Rejected as error:
            raise naming_doubles(error, entity, values) from None
        return {**row, "id": current["id"]}

    def _spoilt(self, entity: Entity, current: Row) -> Row:
        """What a revise has to bring along unchanged: berliCRM, a 6.5, decodes all texts of a record (measured)."""
        if entity.private.get(TYPED) is not None:
            return spoilt(entity, current)
        names = [field.name for field in entity.fields if field.writable and field.kind in FREE_TEXTS]
        decoded = names if self._version.startswith("6.") else []
        return {name: current[name] for name in decoded if _shielded(current.get(name)) != current.get(name)}

    def _written(self, entity: Entity, element: Mapping[str, Any]) -> str:
        return json.dumps(as_typed(entity, element))

    def becomes(self, entity: Entity) -> tuple[str, ...]:
        """Leads alone."""
        return leads.BECOMES if entity.name == leads.LEADS else ()

    def convert(
        self,
        call: Call,
        entity: Entity,
        identifier: str,
        current: Row | None,
        values: Mapping[str, Any],
        made: Mapping[str, tuple[Entity, Mapping[str, Any]]],
    ) -> dict[str, str] | None:
        """See :func:`~crm_systems.vtiger.leads.convert`; what is made gets the lead's owner unless another is given."""
        self._shown.pop(entity.name, None)
        owner = values.get(leads.OWNER) or (current or {}).get(leads.OWNER) or ""
        encoded = {name: as_made(of, self.encoded(of, its)) for name, (of, its) in made.items()}
        return leads.convert(call, identifier, str(owner), encoded)

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """Moves the record into the recycle bin; a second time is denied and does no harm (measured)."""
        self._shown.pop(entity.name, None)
        form = {"operation": "delete", "id": identifier}
        call(Request("POST", f"{entity.name}: delete", form=form))


def _check_activity(entity: Entity, activity: Any) -> None:
    """Nothing if the module shows a record of this kind of activity.

    Raises:
        Rejected: it does not.
    """
    own = ACTIVITY.get(entity.name)
    is_shown = activity == own if own else entity.name != "Events" or activity not in ACTIVITY.values()
    if activity is None or is_shown:
        return
    hint = {"Events": "send tasks to Calendar and e-mails to Emails", "Calendar": "send meetings and calls to Events"}
    why = f"{entity.name}: the CRM would keep it as another kind of activity, which this module does not show"
    raise Rejected(why, hint=hint.get(entity.name, "leave `activitytype` out"), field="activitytype")


def _lost_its_name(entity: Entity, sent: Mapping[str, Any], stored: Row) -> bool:
    """Whether a text that a record must have was sent and is not stored.

    Vtiger passes over an insert that its database refuses, and the record then lacks all of that table (measured on
    8.0.0); where it is the module's own, no query shows the record.
    """
    names = (field.name for field in entity.fields if field.mandatory and field.kind in {Kind.STRING, Kind.TEXT})
    return any(sent.get(name) and stored.get(name) == "" for name in names)


def _was_kept(sent: Any, meant: Any, stored: Any) -> bool:
    """Whether a shielded text was stored, or the beginning of it, as it was sent."""
    is_told = sent != meant and isinstance(stored, str) and stored
    return bool(is_told and sent.startswith(stored) and not meant.startswith(stored))


def _shielded(value: Any) -> Any:
    """A text that keeps its HTML entities when they are decoded once."""
    if isinstance(value, str) and html.unescape(value) != value:
        return value.replace("&", "&amp;")
    return value
