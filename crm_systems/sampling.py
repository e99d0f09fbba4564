"""What fields hold, told from a sample of records, for systems that do not describe themselves.

Careful on purpose: a kind that turns out too narrow would make a later value null, so what is not sure is a text,
which can hold anything.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ConfigError, CrmError, Denied, Unavailable
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crm_systems.model import Row

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
TIMES = frozenset({"date", "datetime", "time", "timestamp", "at", "created", "modified", "updated", "changed"})
"""A field of numbers whose name ends with one of these may count the time since 1970."""
TIMELY = TIMES | {"birthday", "day", "due", "deadline", "end", "entered", "on", "since", "start", "until", "signed"}
"""A text field whose name ends with one of these is a day or a time if its values look like one."""
ENOUGH_DAYS = 3
"""So many different values that look like one make a day or a time of a text field of any other name."""
EPOCH = range(10**8, 10**11)
"""Numbers that may count seconds since 1970: from 1973 to the year 5138; larger ones count milliseconds."""
MOST_OF_A_STRING = 255

logger = logging.getLogger("crm")


def together(looks: Iterable[Callable[[], list[Row]]], otherwise: Callable[[], list[Row]] | None = None) -> list[Row]:
    """The rows of several requests for a few records each; where one succeeds, failures only make the sample smaller.

    ``otherwise`` is a more patient request, for when none succeeds because of a passing fault.

    Raises:
        ConfigError: a setting is wrong.
        CrmError: none succeeded; that the user has no right to it only if all of them say so.
    """
    rows: list[Row] = []
    failures: list[CrmError] = []
    worked = False
    for look in looks:
        try:
            rows += look()
            worked = True
        except ConfigError:
            raise
        except CrmError as error:
            failures.append(error)
    first = next((each for each in failures if not isinstance(each, Denied)), failures[0] if failures else None)
    if first and not worked:
        if otherwise and any(isinstance(each, Unavailable) for each in failures):
            return otherwise()
        raise first
    if first:
        logger.warning("%s What fields there are is told from other records.", first)
    return rows


def choices_or_why_not(look: Callable[[], list[Row]]) -> tuple[list[Row], str]:
    """The values of a pick list; none, and no reason, where the CRM does not have the list or not for this user."""
    try:
        return look(), ""
    except ConfigError:
        raise
    except Denied:
        return [], ""
    except CrmError as error:
        return [], str(error)


def values_by_field(rows: Iterable[Row]) -> dict[str, list[Any]]:
    """The values of each field that are neither null nor an empty text; fields in order of appearance."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            values = found[name]
            if value is not None and value != "":
                values.append(value)
    return dict(found)


def kind_of(name: str, values: list[Any]) -> Kind:
    """The kind of a field of this name that has these values, none of which is empty."""
    if not values:
        return Kind.STRING
    types = {bool: Kind.BOOLEAN, int: Kind.NUMBER, Decimal: Kind.NUMBER, dict: Kind.OBJECT, list: Kind.LIST}
    kinds = {types.get(each, Kind.STRING) for each in {*map(type, values)}}
    if kinds == {Kind.NUMBER}:
        return Kind.DATETIME if unit_of(name, values) else Kind.NUMBER
    if kinds != {Kind.STRING}:
        return kinds.pop() if len(kinds) == 1 else Kind.STRING
    return _kind_of_texts(name, [str(value) for value in values])


def _kind_of_texts(name: str, values: list[str]) -> Kind:
    if _last_word(name) in TIMELY or len(set(values)) >= ENOUGH_DAYS:
        if all(DAY.fullmatch(value) for value in values):
            return Kind.DATE
        if all(DAY.fullmatch(value) or MOMENT.fullmatch(value) for value in values):
            return Kind.DATETIME
    long = any(len(value) > MOST_OF_A_STRING or "\n" in value for value in values)
    return Kind.TEXT if long else Kind.STRING


def unit_of(name: str, values: list[Any]) -> int:
    """How many units a second has in which these values count the time since 1970: 1 or 1000; 0 if they do not."""
    if _last_word(name) not in TIMES or not all(type(value) is int for value in values):
        return 0
    largest = max(map(abs, values), default=0)
    return 1 if largest in EPOCH else 1000 if largest >= EPOCH.stop else 0


def _last_word(name: str) -> str:
    words: list[str] = WORD.findall(name)
    return words[-1].lower() if words else ""
