"""The data calls: create, get, update, list, and delete, which is only rumoured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulators.egito import shapes
from crm_simulators.egito.forms import Binder, Parameters, parameters
from crm_simulators.egito.replies import Problem, as_json, errors, not_found

if TYPE_CHECKING:
    from crm_simulators.base import Answer, Call
    from crm_simulators.egito.model import Record, User
    from crm_simulators.egito.store import Store
    from crm_simulators.egito.switches import Switches

_KEPT = ("id", "created")
"""What a whole-form update does not blank."""


class Data:
    """Carries out the operations on one type.

    Args:
        user: Who asks; what a user may not see is as if it did not exist.
    """

    def __init__(self, store: Store, switches: Switches, name: str, user: User) -> None:
        self._store = store
        self._switches = switches
        self._name = name
        self._user = user
        self._columns = store.types[name]
        self._table = store.tables[name]

    def create(self, call: Call) -> Answer:
        """Stores a new record and answers its id (documented)."""
        given = parameters(call, self._switches, self._columns)
        row = self._bound({name: text for name, text in given.items() if name != "id"}, {})
        row.setdefault("ownerId", self._store.owner(self._user.number))
        return self._written(self._store.add(self._name, row))

    def update(self, call: Call) -> Answer:
        """Stores a new version; by default what is not named is blanked, as in a form that is saved whole."""
        given = parameters(call, self._switches, self._columns)
        old = self._wanted(given, empty_allowed=False)
        kept = old if self._switches.update == "partial" else {name: old[name] for name in _KEPT}
        row = self._bound({name: text for name, text in given.items() if name != "id"}, kept)
        return self._written(self._store.replace(self._name, row))

    def get(self, call: Call) -> Answer:
        """One record."""
        row = self._wanted(parameters(call, self._switches, self._columns), empty_allowed=True)
        shown = shapes.render(row, self._columns, self._switches) if row else {}
        return as_json(shapes.single(self._name, shown, self._switches) if row else {})

    def delete(self, call: Call) -> Answer:
        """Removes a record; only marketing text says that this can be done at all."""
        row = self._wanted(parameters(call, self._switches, self._columns), empty_allowed=False)
        self._store.drop(self._name, str(row["id"]))
        return self._written(row)

    def listing(self, call: Call) -> Answer:
        """Records of the type, those that meet the criteria."""
        given = parameters(call, self._switches, self._columns)
        order = (given.get("sort") or "", given.get("order") == "desc") if self._switches.sorting else ("", False)
        rows = self._store.ordered(self._name, *order)
        if self._user.own_only:
            rows = [row for row in rows if self._visible(row)]
        if self._switches.filters:
            rows = self._filtered(rows, given)
        page = shapes.Page.asked(given, self._switches)
        shown = page.of(rows, self._switches) if page else rows
        short = self._switches.short_rows
        out = [shapes.render(row, self._columns, self._switches, short=short) for row in shown]
        return as_json(shapes.enveloped(out, len(rows), self._switches))

    def _wanted(self, given: Parameters, *, empty_allowed: bool) -> Record:
        """The row with the id in the parameters; an empty one where the switches say so."""
        number = given.get("id")
        if not number:
            raise errors([Problem("id", "NotNull", "Pole jest wymagane")], self._switches)
        row = self._table.get(number)
        if row is not None and self._visible(row):
            return row
        if self._switches.unknown_id == "404":
            raise not_found(self._switches)
        if self._switches.unknown_id == "empty" and empty_allowed:
            return {}
        raise errors([Problem("id", "notFound", "Nie znaleziono rekordu", number)], self._switches)

    def _bound(self, given: Parameters, kept: Record) -> Record:
        """The row that the parameters make of what is kept of the old one."""
        binder = Binder(self._store, self._switches, self._columns)
        row = {name: value for name, value in {**kept, **binder.values(given)}.items() if value is not None}
        binder.require(row, dict(self._switches.required).get(self._name, ()))
        if binder.problems:
            told = {"id": kept["id"]} if self._switches.id_with_errors and kept else {}
            raise errors(binder.problems, self._switches, **told)
        return row

    def _written(self, row: Record) -> Answer:
        return as_json(
            {**shapes.saved(row["id"], self._switches), **({"errors": []} if self._switches.errors_on_success else {})}
        )

    def _visible(self, row: Record) -> bool:
        return not self._user.own_only or row.get("ownerId") == self._store.owner(self._user.number)

    def _filtered(self, rows: list[Record], given: Parameters) -> list[Record]:
        """Rows whose fields are equal to the parameters of their names; other parameters are passed over."""
        for name, text in given.items():
            column = self._columns.get(name)
            if column is not None:
                rows = [row for row in rows if shapes.text_of(column, row.get(name), self._switches) == (text or "")]
        return rows


def dictionary(store: Store, switches: Switches, call: Call) -> Answer:
    """``SelectDictionary/list?type=…`` (documented): the rows of one dictionary; the type must be told."""
    given = parameters(call, switches, {})
    name = given.get("type")
    if not name:
        raise errors([Problem("type", "NotNull", "Pole jest wymagane")], switches)
    if name not in store.dictionaries and switches.unknown_dictionary == "errors":
        raise errors([Problem("type", "notFound", "Nieznany słownik", name)], switches)
    rows = store.dictionaries.get(name, [])
    page = shapes.Page.asked(given, switches) if switches.dictionary_paged else None
    shown = page.of(rows, switches) if page else rows
    return as_json(shapes.enveloped([shapes.entry(row, switches) for row in shown], len(rows), switches))
