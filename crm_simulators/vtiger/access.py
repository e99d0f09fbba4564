"""Who may see what: users, sessions, modules, rows."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_simulators.vtiger.failures import Refused, denied

if TYPE_CHECKING:
    from crm_simulators.vtiger.schema import Module
    from crm_simulators.vtiger.store import Record, Store
    from crm_simulators.vtiger.switches import Switches

IDLE_SECONDS = 1800
LIFE_SECONDS = 86400


@dataclass(frozen=True)
class User:
    """Somebody who can log in."""

    name: str
    number: int
    is_admin: bool
    first_name: str
    last_name: str
    time_zone: str = "UTC"
    date_format: str = "yyyy-mm-dd"
    hour_format: str = "12"
    separators: tuple[str, str] = (".", ",")
    """Before decimals and between thousands."""
    rate: str = "1"
    """How many units of the user's currency one of the CRM's is worth."""
    groups: tuple[int, ...] = ()

    @property
    def access_key(self) -> str:
        """Sixteen letters and digits, made up from the name."""
        letters = random.Random(f"access key of {self.name}")
        return "".join(letters.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=16))


USERS = {
    user.name: user
    for user in (
        User("admin", 1, is_admin=True, first_name="Site", last_name="Administrator", groups=(5,)),
        User(
            "euro",
            6,
            is_admin=False,
            first_name="T",
            last_name="Ropé & Söhne",
            time_zone="Europe/Berlin",
            date_format="dd-mm-yyyy",
            hour_format="24",
            separators=(",", "."),
            rate="25.5",
            groups=(5,),
        ),
        User(
            "usadmin",
            7,
            is_admin=True,
            first_name="T",
            last_name="Us Admin",
            time_zone="America/New_York",
            date_format="mm-dd-yyyy",
        ),
        User("limited", 8, is_admin=False, first_name="T", last_name="Limited"),
    )
}


class Access:
    """What one user may do."""

    def __init__(self, user: User, store: Store, switches: Switches) -> None:
        self.user = user
        self.switches = switches
        self._store = store
        self.is_corebos = store.flavour.is_corebos

    def modules(self) -> list[Module]:
        """The modules that this user finds in ``listtypes``."""
        return [module for module in self._store.modules.values() if self._may_list(module)]

    def _may_list(self, module: Module) -> bool:
        return not module.hidden and (self.user.is_admin or module.name != "Users")

    def may_refer_to(self, name: str) -> bool:
        """Whether describe names a module as the target of a reference.

        It names some that listtypes does not have, and Users also to people who are no administrators (measured).
        """
        module = self._store.modules.get(name)
        return module is None or not module.hidden

    def listed(self, name: str) -> Module:
        """A module by its name, which is case-sensitive.

        Raises:
            Refused: there is none, or not for this user.
        """
        module = self._store.modules.get(name)
        if module is None or not self._may_list(module):
            raise denied()
        return module

    def readable(self, name: str) -> Module:
        """A module that a query names."""
        if name not in self._store.modules:
            raise denied(f"Permission to perform the operation is denied for name : {name}")
        module = self.listed(name)
        allowed = self.switches.non_entity_queries
        if allowed is None:
            allowed = self._store.flavour.queries_non_entities
        if not module.is_entity and not allowed:
            raise denied()
        return module

    def in_order(self, module: Module) -> tuple[str, ...]:
        """The order of a row's keys; people who are no administrators get it sorted (measured on Leads)."""
        if self.user.is_admin or not module.is_entity:
            return module.columns
        return tuple(sorted(module.columns, key=lambda name: _column(module, name).upper()))

    def sees(self, record: Record) -> bool:
        """Whether the user may read a row; asked after the LIMIT was applied (measured)."""
        flavour = self._store.flavour
        if flavour.is_simplycrm and not self.switches.sees_all:
            return self._owns(record) or not self._store.modules[record.module].is_entity
        if self.user.is_admin or record.module not in {"Calendar", "Events"}:
            return True
        return record.values.get("visibility") == "Public" or self._owns(record)

    def _owns(self, record: Record) -> bool:
        owner = record.values.get("assigned_user_id") or ""
        return owner in self.owners(groups=True)

    def owners(self, *, groups: bool) -> frozenset[str]:
        """The ids that own what is this user's, with the groups' or without."""
        own = {self._store.id_of("Users", self.user.number)}
        return frozenset(own | {self._store.id_of("Groups", number) for number in self.user.groups if groups})

    def owner_is_gone(self, record: Record) -> bool:
        """Whether a record's owner is neither a user nor a group."""
        owner = record.values.get("assigned_user_id")
        return bool(owner) and self._store.lookup(owner) is None


def _column(module: Module, name: str) -> str:
    """The database's name of a field, where it is known to differ."""
    activity = {"parent_id": "crmid", "taskpriority": "priority", "taskstatus": "status"}
    general = {"assigned_user_id": "smownerid", "id": "~"}
    return general.get(name) or (activity.get(name, name) if module.name in {"Calendar", "Events"} else name)


@dataclass
class Session:
    """One login."""

    user: User
    born: float
    used: float


class Sessions:
    """Tokens and sessions of a server; times in unix seconds of its clock."""

    def __init__(self, *, token_seconds: int, limited: bool, unknown: str) -> None:
        self._token_seconds = token_seconds
        self._limited = limited
        self._unknown = unknown
        self._tokens: dict[str, tuple[str, int]] = {}
        self._sessions: dict[str, Session] = {}
        self._random = random.Random("sessions")

    def challenge(self, user: User, now: int) -> dict[str, object]:
        """A new token, which replaces the user's older one (measured)."""
        token = f"{self._random.getrandbits(52):013x}"
        self._tokens[user.name] = (token, now + self._token_seconds)
        return {"token": token, "serverTime": now, "expireTime": now + self._token_seconds}

    def log_in(self, username: str, answer: str, now: int) -> tuple[str, User]:
        """A new session for the md5 of token and access key; the token stays valid (measured)."""
        user = USERS.get(username.lower())
        token, until = self._tokens.get(user.name, ("", 0)) if user else ("", 0)
        if user is None or now > until:
            raise Refused("INVALID_AUTH_TOKEN", "Specified token is invalid or expired")
        expected = hashlib.md5((token + user.access_key).encode()).hexdigest()  # noqa: S324 - the protocol says md5
        if answer != expected:
            raise Refused("INVALID_USER_CREDENTIALS", "Invalid username or password")
        name = f"{self._random.getrandbits(84):021x}"
        self._sessions[name] = Session(user, now, now)
        return name, user

    def session(self, name: str | None, now: int) -> Session:
        """A session that is still alive.

        Raises:
            Refused: there is none of that name, or it has ended.
        """
        if not name or name == "null":
            raise self._authentication_required()
        session = self._sessions.get(name)
        if session is None:
            if self._unknown == "AUTHENTICATION_REQUIRED":
                raise self._authentication_required()
            raise Refused(self._unknown, "Session Identifier provided is Invalid")
        if self._limited:
            self._check_age(name, session, now)
        session.used = now
        return session

    def _check_age(self, name: str, session: Session, now: int) -> None:
        if now - session.born > LIFE_SECONDS:
            del self._sessions[name]
            raise Refused("SESSION_EXPIRED", "Session Life has expired please login again")
        if now - session.used > IDLE_SECONDS:
            del self._sessions[name]
            raise Refused("SESSION_LEFT_IDLE", "Session has been left idle for too long")

    def _authentication_required(self) -> Refused:
        corebos = self._unknown == "AUTHENTICATION_REQUIRED"
        return Refused("AUTHENTICATION_REQUIRED", "Authentication required" if corebos else "Authencation required")

    def end(self, name: str) -> None:
        """Logs one session out."""
        self._sessions.pop(name, None)

    def end_all(self) -> None:
        """Logs everybody out."""
        self._sessions.clear()
