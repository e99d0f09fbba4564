"""``create``, ``update``, ``revise``, ``delete``, ``retrieve`` and ``convertlead``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger import converting
from crm_simulators.vtiger.activities import duration
from crm_simulators.vtiger.checking import Checker, element_of
from crm_simulators.vtiger.conversion import Conversion
from crm_simulators.vtiger.failures import Crashed, Refused, Restricted, denied, wrong_id
from crm_simulators.vtiger.files import attach, attached_to_new
from crm_simulators.vtiger.inventory import add_lines, drop_lines, sums_given, totals
from crm_simulators.vtiger.retrieving import Retriever
from crm_simulators.vtiger.schema import INVENTORY, LINE_COLUMNS, RENAMED
from crm_simulators.vtiger.seed_values import storable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.requests import SentFile
    from crm_simulators.vtiger.schema import Field, Module
    from crm_simulators.vtiger.store import Record, Store, Values

_STAMPS = frozenset({"id", "createdtime", "modifiedtime", "modifiedby", "created_user_id"})
_NEVER_FILLED = frozenset({"reminder_time", "filedownloadcount", "update_log", "region_id"})
"""Columns that stay null in records made through the API (measured)."""
_NEVER_EMPTIED = frozenset({"assigned_user_id", "folderid"})
"""What a document of coreBOS keeps though a revise does not bring it (measured)."""
_PURIFIED = frozenset({"Groups", "Currency", "Tax"})
_LABEL_WIDTH = 255


class Writer:
    """Writes, and reads single records, for one user; ``files`` came with the request."""

    def __init__(self, store: Store, access: Access, files: Sequence[SentFile] = ()) -> None:
        self._files = files
        self._store = store
        self._access = access
        self._check = Checker(store, access)
        self._retriever = Retriever(store, access)
        self._flavour = store.flavour

    def retrieve(self, identifier: str) -> dict[str, Any]:
        """One record, with its lines; also a converted lead (measured)."""
        return self._named(self._check.record(identifier))

    def _named(self, record: Record) -> dict[str, Any]:
        """The record; coreBOS adds the names of what it refers to, except in the answer to a create (measured)."""
        row = self._retriever.row(record)
        return self._retriever.with_names(row, record.module) if self._flavour.is_corebos else row

    def delete(self, identifier: str) -> dict[str, str]:
        """Moves a record to the recycle bin; those that point to it keep their ``modifiedtime``."""
        record = self._check.record(identifier)
        if record.module == "Users":
            raise denied()
        self._store.bury(record)
        return {"status": "successful"}

    def create(self, name: str, text: str | None) -> dict[str, Any]:
        """Adds a record and answers it, as retrieve does."""
        module = self._access.listed(name)
        element = element_of(text)
        self._check.references(module, element)
        self._check.mandatory(self._required(module), element)
        self._check_lines(module, element)
        self._check.choices(module, element, {})
        has_owner = self._check.owner(element)
        self._check.unique(module, element)
        record = self._add(module, element)
        if not has_owner:
            self._refuse_owner()
        answer = self._retriever.row(record)
        if module.name in self._access.switches.full_tables:
            self._store.bury(record)
            answer.update(dict.fromkeys(element.keys() - {"assigned_user_id"}, ""))
        return self._as_created(module, record, answer)

    def _required(self, module: Module) -> list[Field]:
        return [field for field in module.fields.values() if field.name not in RENAMED.values()]

    def _check_lines(self, module: Module, element: Mapping[str, Any]) -> None:
        """Documents need lines, and 8.4.0 cannot create them at all (measured)."""
        if module.name == "Users":
            raise wrong_id()
        names_file = element.get("filelocationtype") == "I" and element.get("filename")
        if module.name == "Documents" and self._flavour.is_corebos and names_file:
            raise Crashed  # It takes the name for a whole file (measured).
        if module.name not in INVENTORY or self._flavour.is_corebos:
            return
        if not element.get("LineItems"):
            raise Refused("MANDATORY_FIELDS_MISSING", "Mandatory Fields Missing..")
        if not self._flavour.creates_inventory:
            raise wrong_id()

    def _add(self, module: Module, element: Mapping[str, Any]) -> Record:
        target = self._stored_as(module, element)
        values = self._initial(target)
        values.update(self._converted(target, element))
        values.update(duration(target.name, values))
        record = self._store.add(target.name, values)
        record.label = self._label(target, element)
        record.converted = target.name == "Emails" and element.get("activitytype") != "Emails"
        self._store.put(record, attached_to_new(self._store, record, element, self._files))
        lines = self._lines_in(element)
        if lines is not None and element.get("hdnTaxType") in self._flavour.half_made:
            raise Crashed
        if lines is not None:
            add_lines(self._store, record, lines, from_stock=True)
            self._store.put(record, self._sums_with(element))
            sums = totals(self._store, record)
            self._store.put(record, {name: value for name, value in sums.items() if name != "balance"})
        self._touch_parent(record)
        return record

    def _stored_as(self, module: Module, element: Mapping[str, Any]) -> Module:
        """An activity that is no task lives on as an event, and a task as one (measured)."""
        other = {"Calendar": "Events", "Events": "Calendar"}.get(module.name, "")
        is_task = element.get("activitytype") == "Task"
        if other in self._store.modules and is_task == (module.name == "Events"):
            return self._store.modules[other]
        return module

    def _initial(self, module: Module) -> Values:
        """What a record made through the API holds in the fields that were not sent: zeros, not nulls."""
        values: Values = {}
        for name in module.columns:
            field = module.fields[name]
            if name in _STAMPS or name in _NEVER_FILLED or (module.name in INVENTORY and name in LINE_COLUMNS):
                continue
            # Texts are not filled with what describe calls their default (measured on an invoice's terms).
            default = "" if field.kind == "text" else field.default
            if field.kind == "reference" and default:
                default = self._store.id_of(field.refers_to[0], int(default)) if field.refers_to else ""
            values[name] = self._keep(field, default)
        values.update(self._system_values(module))
        return {name: value for name, value in values.items() if name in module.columns}

    def _system_values(self, module: Module) -> Values:
        stamp, user = self._store.stamp(), self._store.id_of("Users", self._access.user.number)
        people = {"modifiedby": user, "created_user_id": user, "creator": user}
        values: Values = {"createdtime": stamp, "modifiedtime": stamp, "source": "WEBSERVICE", "starred": "0", **people}
        if module.number_field:
            values[module.number_field] = self._next_name(module)
        return {**values, **self._fixed_values(module)}

    def _fixed_values(self, module: Module) -> Values:
        """What some modules fill in themselves, whatever was sent."""
        if module.name == "Tax":
            return {"taxname": f"tax{self._store.counters['Tax'] + 1}", "method": "Simple", "type": "Fixed"}
        if self._flavour.is_corebos:
            log = {"update_log": "Ticket created. Assigned to user Administrator"} if module.name == "HelpDesk" else {}
            return {**dict.fromkeys(("isconvertedfromlead", "convertedfromlead"), ""), **log}
        return {"incrementondel": "1"}

    def _next_name(self, module: Module) -> str:
        """The next record number, such as ``CON2965``."""
        table = self._store.tables[module.name]
        names = (table.rows[number].values.get(module.number_field or "") for number in reversed(table.numbers))
        last = next((name for name in names if name), f"{module.name[:3].upper()}0")
        return f"{last.rstrip('0123456789')}{len(table.rows) + 1}"

    def _keep(self, field: Field, value: Any, *, as_it_is: bool = False) -> str | None:
        user, marks = self._access.user, self._flavour.question_marks
        if self._flavour.is_corebos and field.typed and not as_it_is:
            value = converting.from_people(field, converting.text_of(value), user)
        return converting.stored(field, value, date_format=user.date_format, marks=marks)

    def _converted(self, module: Module, element: Mapping[str, Any]) -> Values:
        """What the columns keep of what was sent; unknown and read-only fields are ignored."""
        values: Values = {}
        fixed = {*_STAMPS, module.number_field, *self._fixed_values(module)}
        for name, value in element.items():
            column = name if name in module.columns else RENAMED.get(name, name)
            if column not in module.columns or name in fixed:
                continue
            if module.name in INVENTORY and column in LINE_COLUMNS and column == name:
                continue
            as_it_is = bool(element.get(f"__cbws_skipcurdbconv{name}"))
            kept = self._keep(module.fields[name], value, as_it_is=as_it_is)
            values[column] = converting.purified(kept) if module.name in _PURIFIED and kept else kept
        return self._owned(values)

    def _owned(self, values: Values) -> Values:
        """An owner that is gone is stored by its number."""
        owner = values.get("assigned_user_id")
        if owner and not self._check.owner(values):
            values["assigned_user_id"] = owner.partition("x")[2]
        return values

    def _label(self, module: Module, element: Mapping[str, Any]) -> str:
        """What the record is called; a name that PHP finds empty, such as 0, keeps its blanks (measured)."""
        name = " ".join(converting.text_of(element.get(part)) for part in module.label_fields)
        trimmed = name.strip()
        kept = name if trimmed in {"", "0"} else trimmed
        kept = storable(kept, self._flavour.question_marks)
        return converting.encoded(converting.decoded(kept))[:_LABEL_WIDTH]

    def _touch_parent(self, record: Record) -> None:
        """A new comment counts as a change of what it is about (measured)."""
        parent = self._store.lookup(record.values.get("related_to")) if record.module == "ModComments" else None
        if parent:
            self._store.put(parent, {"modifiedtime": self._store.stamp()})

    def _refuse_owner(self) -> None:
        if self._flavour.is_corebos:
            raise Refused("DATABASE_QUERY_ERROR", "Database error while performing requested operation")
        raise Restricted

    def _as_created(self, module: Module, record: Record, answer: dict[str, Any]) -> dict[str, Any]:
        if module.name != record.module:
            answer["id"] = self._store.id_of(module.name, record.number)
        if module.name in INVENTORY and "LineItems" in answer:
            # The answer to a create mixes real numbers with strings (measured).
            sums = {name: float(answer[name]) for name in ("hdnSubTotal", "hdnGrandTotal", "pre_tax_total")}
            answer.update({name: int(value) if value.is_integer() else value for name, value in sums.items()})
            lines = [{**line, "parent_id": f"{module.prefix}xArray"} for line in answer["LineItems"]]
            return {"id": answer["id"], **answer, "LineItems": lines, "productid": None, "new": True}
        return answer

    def update(self, text: str | None) -> dict[str, Any]:
        """Replaces a record: all mandatory fields are needed."""
        element = element_of(text)
        record = self._checked(element)
        module = self._store.modules[record.module]
        self._check.mandatory(self._required(module) if module.name not in INVENTORY else (), element)
        if self._flavour.update_blanks and module.name not in INVENTORY:
            element = {**dict.fromkeys(self._blanked(module), ""), **element}
        else:
            self._encode_description(record, element)
        return self._write(record, module, element, replace_files=True)

    def revise(self, text: str | None) -> dict[str, Any]:
        """Changes the given fields only, and decodes the HTML entities in them, but for coreBOS (measured)."""
        element = element_of(text)
        record = self._checked(element)
        module = self._store.modules[record.module]
        self._check.mandatory([field for field in module.fields.values() if field.name in element], element)
        plain = {
            name: converting.decoded(value) if isinstance(value, str) and not self._flavour.is_corebos else value
            for name, value in element.items()
        }
        held = self._store.tables[module.name].full(record)
        self._check.choices(module, element, held)
        if self._access.switches.is_berlicrm:
            texts = {name: value for name, value in held.items() if value and name in module.fields}
            changed = {name: converting.decoded(value) for name, value in texts.items() if module.fields[name].editable}
            return self._write(record, module, {**changed, **plain})
        before = self._retriever.row(record)
        return {**self._write(record, module, plain), **self._not_noticed(before, plain)}

    def _not_noticed(self, before: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
        """What a revise shows as it was: texts that are what was there but for entities (measured on 8.0.0)."""
        if self._flavour.is_corebos:
            return {}
        texts = {name: value for name, value in plain.items() if isinstance(value, str) and name in before}
        decoded = ((name, value, converting.decoded(value)) for name, value in texts.items())
        return {name: before[name] for name, value, less in decoded if value != less == before[name]}

    def _checked(self, element: Mapping[str, Any]) -> Record:
        identifier = converting.text_of(element.get("id"))
        if not identifier:
            raise wrong_id()
        record = self._check.record(identifier)
        self._check.references(self._store.modules[record.module], element)
        return record

    def _blanked(self, module: Module) -> list[str]:
        fixed = {*_STAMPS, *_NEVER_FILLED, "source", "starred", "tags", module.number_field}
        return [name for name in module.columns if name not in fixed]

    def _encode_description(self, record: Record, element: Mapping[str, Any]) -> None:
        """``update`` saves a description that it did not receive once more, HTML-encoded.

        It shows from the second such update on, because reading decodes once (measured).
        """
        if "description" in element:
            return
        record.encodings += 1
        text = self._store.tables[record.module].value(record, "description")
        if record.encodings > 1 and text:
            record.values["description"] = converting.encoded(text)

    def _write(
        self, record: Record, module: Module, element: Mapping[str, Any], *, replace_files: bool = False
    ) -> dict[str, Any]:
        """``revise`` takes the name of a file that comes along, and keeps the old bytes (measured)."""
        has_owner = self._check.owner(element)
        self._check.unique(module, element, own=record)
        if "description" in element:
            record.encodings = 0
        values = {**self._cut(record), **self._set_back(module, element), **self._converted(module, element)}
        values.update(self._sums_with(element))
        if "modifiedtime" in module.columns:
            user = self._store.id_of("Users", self._access.user.number)
            values.update({"modifiedtime": self._store.stamp(), "modifiedby": user})
        values.update(duration(module.name, {**self._store.tables[module.name].full(record), **values}))
        self._store.put(record, {**values, **attach(self._store, record, self._files, replace=replace_files)})
        if any(name in element for name in module.label_fields):
            record.label = self._label(module, {**self._store.tables[module.name].full(record), **element})
        if not has_owner:
            self._refuse_owner()
        lines = self._lines_in(element)
        if lines is not None:
            self._replace_lines(record, lines)
        if module.name in INVENTORY and self._flavour.joins_lines:
            return self._retriever.revised_document(record, element)
        return self._named(record)

    def _cut(self, record: Record) -> Values:
        """The times of coreBOS, from which a revise that does not bring them cuts the seconds (measured)."""
        held = self._store.tables[record.module].full(record) if self._flavour.is_corebos else {}
        fields = self._store.modules[record.module].fields
        times = {name for name, field in fields.items() if field.typed and field.kind == "datetime"}
        return {name: f"{value[:-2]}00" for name, value in held.items() if value and name in times}

    def _set_back(self, module: Module, element: Mapping[str, Any]) -> Values:
        """What a document loses that is not given (measured on invoices)."""
        if module.name == "Documents" and self._flavour.is_corebos:
            lost = (field for field in module.fields.values() if field.editable and field.name not in _NEVER_EMPTIED)
            return {field.name: self._keep(field, "") for field in lost if field.name in module.columns}
        if module.name not in INVENTORY or self._flavour.is_corebos:
            return {}
        with_lines = {"hdnTaxType": "", "txtAdjustment": "0.00000000"} if "LineItems" in element else {}
        return {"conversion_rate": "1.000", **with_lines}

    def _sums_with(self, element: Mapping[str, Any]) -> Values:
        is_given = self._flavour.is_corebos and self._lines_in(element) is not None
        return sums_given(element) if is_given else {}

    def _lines_in(self, element: Mapping[str, Any]) -> list[Any] | None:
        """The lines that are sent along; coreBOS has other names for them and their quantity (measured)."""
        lines = element.get("pdoInformation" if self._flavour.is_corebos else "LineItems")
        if not isinstance(lines, list) or not self._flavour.is_corebos:
            return lines if isinstance(lines, list) else None
        return [{**line, "quantity": line.get("qty")} for line in lines]

    def _replace_lines(self, record: Record, lines: list[Any]) -> None:
        drop_lines(self._store, record)
        add_lines(self._store, record, [line for line in lines if isinstance(line, dict)], from_stock=True)
        self._store.put(record, totals(self._store, record))
        if self._flavour.revised_lines_crash:
            raise Crashed

    def convert_lead(self, text: str | None) -> dict[str, str] | None:
        """See :class:`Conversion`."""
        return Conversion(self._store, self._access, self._add).carry_out(element_of(text), self._check)
