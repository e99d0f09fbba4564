"""The databases of the connectors: how one is opened, and what is said of one that does not do what it is asked."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from crm_systems.errors import DatabaseFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
FAULTS = (sa.exc.SQLAlchemyError, ImportError, OSError, UnicodeError)
"""What a database that does not do what it is asked raises."""
OPENING = (*FAULTS, ValueError)
"""The same of one whose address cannot be meant."""
LOCK_SECONDS = 60
"""How long a run waits while another writes into the same SQLite file."""
RACES = 5
"""How often a row is written anew because another run wrote the same one at the same moment."""
PORTION = 500
"""How many keys or ids one statement names at the most."""


def engine_of(url: str) -> sa.Engine:
    """The database at an address, whose words about a failure hold no values."""
    address = sa.make_url(url)
    arguments = {"timeout": LOCK_SECONDS} if address.get_backend_name() == "sqlite" else {}
    return sa.create_engine(address, hide_parameters=True, connect_args=arguments)


def file_of(url: str | sa.URL) -> Path | None:
    """The file of a SQLite database; None for one in memory, for any other database, and for what is no address."""
    try:
        known = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        return None
    name = known.database or ":memory:"
    if known.get_backend_name() != "sqlite" or ":memory:" in name or known.query.get("mode") == "memory":
        return None
    return Path(name.removeprefix("file:") if known.query.get("uri") else name)


def is_in_memory(url: str) -> bool:
    """Whether an address is that of a SQLite database that ends with the program."""
    known = sa.make_url(url)
    return known.get_backend_name() == "sqlite" and file_of(known) is None


def make_tables(metadata: sa.MetaData, engine: sa.Engine) -> None:
    """Makes the tables that are not there; several runs may open a database for the first time at once."""
    for _made_by_another in metadata.tables:
        with suppress(sa.exc.DBAPIError):
            # It fails where another run makes the same table at this moment; that one is there then.
            metadata.create_all(engine)
            return
    metadata.create_all(engine)


def portions(values: Iterable[str]) -> Iterator[list[str]]:
    """The values in lists that one statement may name."""
    coming = iter(values)
    while some := list(islice(coming, PORTION)):
        yield some


def racing(work: Callable[[], T]) -> T:
    """What some work gives, done anew where another run inserted the same rows at this moment."""
    for _lost in range(RACES - 1):
        with suppress(sa.exc.IntegrityError):
            return work()
    return work()


@contextmanager
def in_words(database: str, setting: str, what: str, faults: tuple[type[Exception], ...] = FAULTS) -> Iterator[None]:
    """Says what is wrong without the database's own words, which hold values and the address; ``what`` cannot be done.

    Raises:
        DatabaseFault: one of the ``faults`` came; it names the ``setting`` that the database's address is from.
    """
    try:
        yield
    except faults as error:
        raise DatabaseFault(
            f"{database} cannot be {what}", code=_code_of(error), hint=_what_to_do(error, setting)
        ) from None


def _code_of(error: Exception) -> str:
    """What the system, SQLite or the server calls it, such as SQLITE_FULL."""
    said = getattr(error, "orig", error)
    codes = (getattr(said, name, None) for name in ("strerror", "sqlite_errorname", "sqlstate"))
    return next(filter(None, codes), type(error).__name__)


def _what_to_do(error: Exception, setting: str) -> str:
    if isinstance(error, ImportError):
        driver = "install its driver beside this program, such as psycopg[binary]"
        return f"{driver}, and let `{setting}` name that, as in postgresql+psycopg://…"
    if isinstance(error, (sa.exc.ArgumentError, ValueError)):
        examples = "sqlite:///name.sqlite or postgresql+psycopg://user:password@host/name"
        return f"`{setting}` must be an address such as {examples}"
    if isinstance(error, sa.exc.DBAPIError) and type(error.orig).__module__ != "sqlite3":
        return f"check `{setting}`, that its server is up, and what its user may do there"
    return f"check `{setting}`, the room on its disk, and that no other run holds it"
