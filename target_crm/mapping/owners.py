"""Who owns a record here: from the owner of the source to a user or group of this CRM."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from crm_systems.wire import is_empty, spelled
from target_crm.outcome import Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Owners:
    """Who may own records here, and who stands for whom."""

    def __init__(self, people: Callable[[], Mapping[str, str]], settings: Mapping[str, Any]) -> None:
        self._ask = people
        self._known: Mapping[str, str] | None = None
        self._named: Mapping[str, Any] = settings["owners"] or {}
        self._default: str | None = settings["default_owner"]
        self.has_default = self._default is not None
        """Whether a record needs no owner of its own."""
        self.met: dict[str, str] = {}
        """The ids of those who are known here, by names that came before."""

    def replaces(self, owner: Any) -> bool:
        """Whether the settings put another owner in the place of this one, or of none."""
        return self.has_default if is_empty(owner) else spelled(owner) in self._named

    def check(self) -> Iterator[str]:
        """Problems with the settings: names that nobody has in this CRM."""
        for setting, names in (("owners", self._named.values()), ("default_owner", filter(None, [self._default]))):
            for name in names:
                if str(name) not in self._people:
                    near = get_close_matches(str(name), list(self._people), n=1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    yield f"`{setting}` names a user or group that does not exist in the CRM{hint}"

    def id_of(self, owner: Any) -> str:
        """The id of an owner.

        Raises:
            Reject: there is none, and no default.
        """
        name = "" if is_empty(owner) else str(self._named.get(spelled(owner), spelled(owner)))
        found = self._people.get(name) or (self._people.get(self._default) if self._default else None)
        if found is None:
            what = "does not exist in the CRM" if name else "is missing"
            raise Reject(f"its owner {what}; map it with `owners` or set `default_owner`")
        return found

    def is_known(self, owner: Any) -> bool:
        """Whether somebody here is meant, and nobody takes his place."""
        is_known = str(self._named.get(spelled(owner), spelled(owner))) in self._people
        if is_known and isinstance(owner, str):
            self.met[owner] = self.id_of(owner)
        return is_known

    @property
    def _people(self) -> Mapping[str, str]:
        if self._known is None:
            self._known = self._ask()
        return self._known
