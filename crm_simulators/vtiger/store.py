"""The records, with orderings to page through them, and a way for tests to look and reach behind the API."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.compare import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from crm_simulators.vtiger.flavours import Flavour
    from crm_simulators.vtiger.requests import SentFile
    from crm_simulators.vtiger.schema import Module

Values = dict[str, "str | None"]
"""Field name to what the database holds, as the API writes it: ids as ``12x5``, numbers as ``"1.50"``."""


@dataclass
class Record:
    """One row; ``values`` holds only what differs from the module's defaults."""

    module: str
    number: int
    values: Values
    deleted: bool = False
    converted: bool = False
    """Whether it is a lead that became a contact, or an e-mail that does not say that it is one: query hides it,
    retrieve does not."""
    label: str | None = None
    """What the record is called, if it was written through the API: long, and HTML-encoded."""
    encodings: int = 0
    """How often ``update`` has saved the description without having received it."""

    @property
    def live(self) -> bool:
        """Whether query shows it."""
        return not (self.deleted or self.converted)


@dataclass
class Table:
    """The rows of one module, ids ascending."""

    module: Module
    defaults: Values
    rows: dict[int, Record] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)
    """How many live rows have a unique name, in the form that compares equal."""
    orderings: dict[str, tuple[list[Any], list[Record]]] = field(default_factory=dict)

    by_parent: dict[str, list[Record]] | None = None
    """Line items by the id of their document; None until somebody asks."""

    def forget(self) -> None:
        """Drops every ordering, because a row has changed."""
        self.orderings.clear()
        self.by_parent = None

    def recount(self) -> None:
        """Counts the unique names anew."""
        unique = self.module.unique or ""
        live = (self.value(record, unique) for record in self.rows.values() if record.live)
        self.names = Counter(key(name) for name in live if name)

    def value(self, record: Record, name: str) -> str | None:
        """What the record holds in a field."""
        return record.values.get(name, self.defaults.get(name))

    def full(self, record: Record) -> Values:
        """All that the record holds, in the order of ``select *``."""
        return {**self.defaults, **record.values}

    def ordering(self, by: str) -> tuple[list[Any], list[Record]]:
        """Sort keys and rows by ``id``, ``modifiedtime`` (ties by id), or ``owner``; deleted ones included."""
        if by == "id":
            return self.numbers, []
        if by not in self.orderings:
            name = "assigned_user_id" if by == "owner" else by
            rows = sorted(self.rows.values(), key=lambda record: (self.value(record, name) or "", record.number))
            self.orderings[by] = [(self.value(record, name) or "", record.number) for record in rows], rows
        return self.orderings[by]

    def between(self, by: str, lowest: Any, highest: Any) -> Iterator[Record]:
        """The rows in an ordering, from the lowest to the highest key, both included; None means no bound."""
        keys, rows = self.ordering(by)
        start = 0 if lowest is None else bisect_left(keys, lowest if by == "id" else (lowest,))
        for position in range(start, len(keys)):
            if highest is not None and (keys[position] if by == "id" else keys[position][0]) > highest:
                return
            yield rows[position] if rows else self.rows[keys[position]]


class Store:
    """All tables of a server.

    The public methods speak in ids such as ``12x5`` and in rows as an administrator's query shows them.
    """

    def __init__(self, modules: Mapping[str, Module], flavour: Flavour, now: Callable[[], datetime]) -> None:
        self.modules = modules
        self.flavour = flavour
        self.now = now
        self.tables = {name: Table(module, _defaults(module)) for name, module in modules.items()}
        self.by_prefix = {module.prefix: module for module in modules.values()}
        self.sequence = 1
        """The last number given to a record of any entity module."""
        self.counters: Counter[str] = Counter()
        """The last number given to a record of each module that is none."""
        self.attachments: dict[str, str] = {}
        """Ids of the files of records that have some, joined by commas."""
        self.files: dict[int, SentFile] = {}
        """The files by number; they share the sequence of the records."""
        self.forbidden_files: set[str] = set()
        """Ids of files that nobody may have."""
        self.largest_upload = 2**31  # Bytes; PHP has a limit of its own, of which describe does not tell.
        self.pairs: set[frozenset[str]] = set()
        """Ids of records that are related without a field."""

    def stamp(self) -> str:
        """The server's time, as it is stored."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def insert(self, module: str, values: Mapping[str, str | None], *, at: str | None = None) -> str:
        """Adds a record and returns its id; owner, stamps and number are filled in."""
        stamp = at or self.stamp()
        known = self.modules[module].fields
        system = {"createdtime": stamp, "modifiedtime": stamp, "modifiedby": self.id_of("Users", 1)}
        filled: Values = {name: value for name, value in system.items() if name in known}
        if "assigned_user_id" in known:
            filled["assigned_user_id"] = self.id_of("Users", 1)
        return self.id(self.add(module, {**filled, **values}))

    def change(self, identifier: str, values: Mapping[str, str | None], *, touch: bool = True) -> None:
        """Changes a record; ``touch`` moves its ``modifiedtime`` to the clock."""
        record = self.find(identifier)
        stamped = {"modifiedtime": self.stamp()} if touch and "modifiedtime" in self._defaults(record) else {}
        self.put(record, {**values, **stamped})

    def delete(self, identifier: str) -> None:
        """Moves a record to the recycle bin, which counts as a change."""
        self.bury(self.find(identifier))

    def purge(self, identifier: str) -> None:
        """Empties the recycle bin of a record, of which nothing remains then, so `sync` does not tell it (measured)."""
        record = self.find(identifier)
        self.bury(record)
        table = self.tables[record.module]
        del table.rows[record.number]
        table.numbers.remove(record.number)
        table.forget()

    def get(self, identifier: str) -> dict[str, Any] | None:
        """All that is stored under an id, deleted or not, with ``id`` and ``deleted``; None if there never was one."""
        record = self.lookup(identifier)
        if record is None:
            return None
        return {**self.tables[record.module].full(record), "id": identifier, "deleted": record.deleted}

    def attach(self, identifier: str, file: SentFile) -> str:
        """Gives a record one more file; returns the file's id."""
        self.sequence += 1
        self.files[self.sequence] = file
        attachment = f"{identifier.partition('x')[0]}x{self.sequence}"
        known = self.attachments.get(identifier)
        self.attachments[identifier] = f"{known},{attachment}" if known else attachment
        return attachment

    def detach(self, identifier: str) -> None:
        """Takes the files of a record away."""
        for each in filter(None, self.attachments.pop(identifier, "").split(",")):
            self.files.pop(int(each.partition("x")[2]), None)

    def records(self, module: str) -> list[dict[str, Any]]:
        """The live rows as ``select *`` shows them to an administrator, ids ascending."""
        return [self.row(record) for record in self.raw(module) if record.live]

    def raw(self, module: str) -> list[Record]:
        """Every row as stored, deleted ones included, ids ascending."""
        table = self.tables[module]
        return [table.rows[number] for number in table.numbers]

    def id(self, record: Record) -> str:
        """The id that the API gives a record."""
        return f"{self.modules[record.module].prefix}x{record.number}"

    def id_of(self, module: str, number: int) -> str:
        """The id of a module's record with this number."""
        return f"{self.modules[module].prefix}x{number}"

    def lines_of(self, document: Record) -> list[Record]:
        """The line items of an inventory document, in their order (not on coreBOS, where they are a real module)."""
        table = self.tables.get("LineItem")
        if table is None:
            return []
        if table.by_parent is None:
            table.by_parent = defaultdict(list)
            for number in table.numbers:
                line = table.rows[number]
                if line.live:
                    table.by_parent[line.values.get("parent_id") or ""].append(line)
        return table.by_parent.get(self.id(document), [])

    def lookup(self, identifier: str | None) -> Record | None:
        """The record of a well-formed id, whatever its state."""
        prefix, _, number = (identifier or "").partition("x")
        module = self.by_prefix.get(int(prefix)) if prefix.isdigit() else None
        return self.tables[module.name].rows.get(int(number)) if module and number.isdigit() else None

    def find(self, identifier: str) -> Record:
        """The record of an id that must exist."""
        record = self.lookup(identifier)
        if record is None:
            raise KeyError(identifier)
        return record

    def add(self, module: str, values: Values, number: int | None = None) -> Record:
        """Stores a row as it is, under the next free number or a given one."""
        table = self.tables[module]
        record = Record(module, number or self._next_number(table.module), values)
        if table.module.is_entity and module != "Users":
            self.sequence = max(self.sequence, record.number)
        else:
            self.counters[module] = max(self.counters[module], record.number)
        table.rows[record.number] = record
        insort(table.numbers, record.number)
        table.forget()
        self._count_names(record, 1)
        return record

    def put(self, record: Record, values: Mapping[str, str | None]) -> None:
        """Changes a row, stamps included."""
        self._count_names(record, -1)
        record.values.update(values)
        self._count_names(record, 1)
        self.tables[record.module].forget()

    def bury(self, record: Record) -> None:
        """Marks a row as deleted now."""
        self._count_names(record, -1)
        record.deleted = True
        self.put(record, {"modifiedtime": self.stamp()} if "modifiedtime" in self._defaults(record) else {})

    def row(self, record: Record, columns: tuple[str, ...] | None = None) -> dict[str, Any]:
        """A row as query shows it: references to what is gone are empty, and so is null on some flavours."""
        table = self.tables[record.module]
        module = table.module
        full = table.full(record)
        full["id"] = f"{module.prefix}x{record.number}"
        for name in module.references:
            if full[name] and not self._points_somewhere(name, full[name]):
                full[name] = None
        if columns is not None:
            full = {name: full[name] for name in columns}
        if not self.flavour.empty_is_null:
            full = {name: "" if value is None else value for name, value in full.items()}
        return full

    def _points_somewhere(self, name: str, identifier: str | None) -> bool:
        if name == "assigned_user_id" or not identifier or "x" not in identifier:
            # A gone owner is shown by its bare number (measured).
            return True
        target = self.lookup(identifier)
        return target is not None and not target.deleted

    def _next_number(self, module: Module) -> int:
        if module.is_entity and module.name != "Users":
            return self.sequence + 1
        return self.counters[module.name] + 1

    def _defaults(self, record: Record) -> Values:
        return self.tables[record.module].defaults

    def _count_names(self, record: Record, by: int) -> None:
        table = self.tables[record.module]
        if record.live and table.module.unique:
            name = table.value(record, table.module.unique)
            if name:
                table.names[key(name)] += by


_NULL_KINDS = frozenset({"date", "time", "datetime", "reference", "double", "currency", "integer"})


def _defaults(module: Module) -> Values:
    """What a column holds in a row that was stored without the API: null or an empty string by its type."""
    values: Values = {}
    for name in module.columns:
        kind = module.fields[name].kind
        if module.name == "Users" and kind == "reference":
            kind = "string"
        values[name] = "0" if kind == "boolean" else None if kind in _NULL_KINDS else ""
    if "id" in values:
        values["id"] = ""
    return values
