"""The fast path of reading: an entity's fields compiled into a decoder of whole pages, from bytes to records.

It knows what nearly every answer is: UTF-8, each value a text or null, no unknown field, each key as it should be. Of
any other page it gives nothing, and that page is read with care, by :class:`~crm_systems.kinds.Reader`, which says what
any other value becomes here, too. So the two never differ in more than their pace.
"""

from crm_systems.compiled.pages import Envelope, Pages, compiled
from crm_systems.compiled.records import Record, can_be_named, column, lines
from crm_systems.compiled.rows import Rows

__all__ = ["Envelope", "Pages", "Record", "Rows", "can_be_named", "column", "compiled", "lines"]
