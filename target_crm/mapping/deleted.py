"""Whether a record tells that it is gone in its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_singer.deletions import DELETED_AT
from crm_systems.kinds import is_no_number
from crm_systems.times import UTC, instant, may_count_time
from target_crm.outcome import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_singers(name: str) -> bool:
    """Whether a column is one that Singer targets add; some warehouses write all names in capitals."""
    return name[:5].lower() == "_sdc_"


def is_said(value: Any) -> bool:
    """Whether a value of the mark of a deletion says anything: NaN is null, as data frames mean it."""
    return bool(value) and not is_no_number(value) and not str(value).isspace()


def is_gone(record: Mapping[str, Any]) -> bool:
    """Whether a record is one that is gone, which nothing but a time tells.

    Raises:
        Reject: something else is said, such as "false".
    """
    value = record.get(DELETED_AT)
    if not is_said(value):
        return False
    is_time = isinstance(value, str) or may_count_time(value)
    if not is_time or instant(value, UTC) is None:
        raise Reject(f"its {DELETED_AT} is no time, so it is not clear whether it is gone")
    return True
