"""What a row is known by."""

from __future__ import annotations

import pytest

from crm_systems.errors import ProtocolError
from crm_systems.model import Entity
from crm_systems.rows import key_of

MEMBERS = Entity("members", (), key=("org", "member"))


def test_a_key_of_several_fields_is_all_of_them() -> None:
    assert key_of(MEMBERS, {"org": 1, "member": 2}) == "1|2"
    assert key_of(MEMBERS, {"org": 1, "member": 3}) != key_of(MEMBERS, {"org": 1, "member": 2})


@pytest.mark.parametrize("row", [{"org": 1}, {"member": 2}, {"org": None, "member": 2}], ids=str)
def test_a_row_that_lacks_a_part_of_its_key_is_no_record(row: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match="without its key"):
        key_of(MEMBERS, row)
