"""What may differ between two servers of the same flavour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Switches:
    """Knobs for what is unknown, or depends on the server's administrator; ``None`` means: as the flavour has it."""

    sync_registered: bool = False
    """Whether the administrator registered ``syncType``; without it stock 8.x on PHP 8 answers ``sync`` with an
    empty HTTP 500 (measured)."""
    session_limits: bool | None = None
    """Whether 30 minutes without use and 24 hours of life end a session; never on 8.x (measured), on simplycrm yes
    (its source)."""
    revise: bool = True
    """Whether the operation ``revise`` exists; it does on 8.x and corebos, Simply CRM does not document it."""
    task_prefix: int | None = None
    """The number before the ``x`` in ids of Calendar; 9 on stock servers, 1 according to Simply CRM's Mobile page."""
    error_keys: tuple[str, str] = ("code", "message")
    """How the two keys of an error are spelt: Simply CRM documents ``errorCode``/``errorMessage`` and
    ``errorType``/``errorMsg``, the code says ``code``/``message``."""
    non_entity_queries: bool | None = None
    """Whether Groups, Currency and the like can be queried; yes on 8.x (measured), a documented fault of Simply CRM."""
    logout_by_get: bool = False
    """Whether ``logout`` is a GET operation, as Simply CRM documents; the code registers POST."""
    sees_all: bool = True
    """Whether the configured user sees every record on simplycrm; if not, rows that belong to other people are
    dropped after the LIMIT in every entity module."""
    full_tables: tuple[str, ...] = ()
    """Modules whose own table takes no more rows, over which create answers success, with nothing of what was sent, and
    makes what no query shows (measured on 8.0.0)."""
    unique_names: bool = True
    """Whether a field that describe calls unique refuses a second record with its value."""
    describe_of_7: bool = True
    """Whether describe on simplycrm has ``allowDuplicates`` and ``isunique``, as 7.x has and 5.4 has not."""
    denied_modules: tuple[str, ...] = ()
    """Modules that nobody may access: listed nowhere, ACCESS_DENIED everywhere."""
    hang_seconds: float = 20.0
    """How long a query that never answers keeps the connection before it is cut; the real server spins for ever."""
    gone_owner_spoils_narrow_pages: bool = False
    """Whether on corebos a record with a gone owner also spoils pages that do not ask for the owner; in the recordings
    such pages were answered."""
    largest_post: int = 1 << 26
    """Bytes of a body of which PHP reads fields; of a larger one it reads none, not even the operation (measured)."""
    longest_request_line: int = 8192
    """Bytes of a request line that the web server accepts (nginx's default)."""
    is_berlicrm: bool = False
    """Whether it does what of the family only berliCRM does (measured): it refuses what a pick list does not have,
    shows a single record with its HTML entities decoded, and stores so what a revise does not bring."""
