"""Which side a difference came from: the source, the CRM, or both, which is a conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.model import Kind
from crm_systems.wire import is_empty, same
from target_crm.ledger import EMPTY, NOT_SHOWN, Agreed, Base, being_written, digest, fingerprint, short_digest
from target_crm.outcome import OVERWRITTEN, Conflict, Conflicted
from target_crm.writing.creation import may_be_stored_as
from target_crm.writing.planned import Decision, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.model import Row
    from target_crm.ledger import Ledger, Link, Written
    from target_crm.mapping import Mapper
    from target_crm.writing.finding import Existing
    from target_crm.writing.planned import Came

NEVER = Agreed(EMPTY, EMPTY)
"""Of a field that never came."""
DONE = {"source": "written", "crm": "left", "reject": "rejected"}
"""What is done with a conflict, by the setting."""


class ThreeWay:
    """Compares what came, what the CRM holds, and what both held when they last agreed; for one stream.

    ``columns`` are the names of the incoming fields.
    """

    def __init__(self, mapper: Mapper, columns: Iterable[str]) -> None:
        self._mapper = mapper
        self._options = mapper.options
        self._columns = tuple(columns)
        self._targets: dict[str, tuple[str, bytes]] = {}
        """By incoming name, the field that it is written to, empty where it is left out, and what stands for it."""

    def is_settled(self, known: Written, fingerprint: str) -> bool:
        """Whether what came is what came last, so that there is nothing to write, whatever the CRM holds."""
        is_looked_at = known.base is not None or known.is_mirrored or not self._options.compares_three_ways
        return known.digest == fingerprint and is_looked_at

    def is_still_so(self, came: Came, existing: Existing) -> bool:
        """The quick way: whether what came is what came last, and the CRM holds all of it, so that both sides agree."""
        known = came.known
        if known is None or known.digest != came.fingerprint or known.base is None or known.twin is not None:
            return False
        is_same = (known.crm_id, known.entity) == (existing.crm_id, self._mapper.entity.name)
        return is_same and came.mapped.values.items() <= existing.record.items()

    def is_echo(self, came: Came, known: Written) -> bool:
        """Whether a record brings nothing but what the other pipeline wrote there, or this one has dealt with."""
        if known.twin is None or known.is_being_written:
            return False
        base = _base_of(known)
        marks = self._came(came.record, base)
        names = marks.keys() & {*came.mapped.values, *came.mapped.open_links}
        agreed = ((base.get(mark), value) for mark, value in (marks[name] for name in names))
        return all(each is not None and each.sent == short_digest(value) for each, value in agreed)

    def is_nearly(self, came: Came, written: Written) -> bool:
        """Whether a record has the name, and more than half of all that it brings, of one that was written."""
        base = Base(written.base)
        brought = {name: short_digest(value) for name, (_, value) in self._came(came.record, base).items()}
        said = {name for name, sent in brought.items() if sent != EMPTY}
        same = {name for name in said if base.was_sent(name, brought[name])}
        named = said.intersection(self._mapper.entity.label_fields)
        return bool(named) and named <= same and 2 * len(same) > len(said)

    def is_moved(self, record: Mapping[str, Any], known: Written | None) -> bool:
        """Whether a record that is known may get other values in the fields by which others are recognised."""
        if known is None or not self._options.compares_three_ways:
            return False
        base = _base_of(known)
        came = self._came(record, base)
        pairs = [came[name] for name in self._options.match_fields if name in came]
        return any((base.get(mark) or NEVER).sent != short_digest(value) for mark, value in pairs)

    def created(self, came: Came, values: Iterable[str], stored: Row) -> bytes | None:
        """What both sides agree upon when a record was created with these fields."""
        if not self._options.compares_three_ways:
            return None
        base = Base()
        return self._agreed(Decision(base, self._came(came.record, base)), values, stored)

    def agreed(self, decision: Decision, stored: Row) -> bytes | None:
        """What both sides agree upon when the changes were written and the CRM shows this."""
        if not self._options.compares_three_ways:
            return None
        return self._agreed(decision, (change.field for change in decision.changes), stored)

    def _agreed(self, decision: Decision, names: Iterable[str], stored: Row) -> bytes:
        decision.agree(names, stored)
        return decision.base.packed()

    def compare(self, came: Came, existing: Existing, *, is_new: bool = False) -> Decision:
        """What is to be changed in an existing record. ``is_new``: what came has not come before.

        Raises:
            Conflicted: both sides changed a field whose conflicts are rejected.
        """
        known = came.known
        if known and (known.crm_id, known.entity) != (existing.crm_id, self._mapper.entity.name):
            known = None
        three_ways = self._options.compares_three_ways
        base = _base_of(known) if three_ways else Base()
        is_untouched = known is not None and self._is_untouched(came, existing.record, known)
        decision = Decision(base, self._came(came.record, base) if three_ways else {}, is_untouched)
        if known and known.is_being_written:
            decision.is_doubtful = known.digest != being_written(came.fingerprint)
        is_old = known is not None and known.digest == came.fingerprint and not is_new
        there, alike = existing.record, []
        for name, value in came.mapped.values.items():
            now = there.get(name, NOT_SHOWN)
            if value.__class__ is now.__class__ and value == now:
                alike.append(name)
            else:
                self._compare_field(decision, Pair(name, value, there), known, is_old=is_old)
        decision.agree(alike, there)
        rejected = [each.field for each in decision.conflicts if each.done == DONE["reject"]]
        if rejected:
            reason = f"its {', '.join(rejected)} was changed on both sides"
            raise Conflicted(reason, existing.crm_id, decision.conflicts)
        return decision

    def _compare_field(self, decision: Decision, pair: Pair, known: Written | None, *, is_old: bool) -> None:
        if pair.is_shown and self._is_as_stored(pair, known):
            decision.agree([pair.name], pair.there)
            return
        if not pair.is_shown and (is_old or (is_empty(pair.value) and not _was_sent(decision, pair.name))):
            return
        if pair.name not in decision.came:
            decision.change(pair)
            return
        mark, came = decision.came[pair.name]
        agreed = decision.base.get(mark)
        is_theirs = self._is_theirs(pair.name, pair.now, agreed, known)
        if is_old and agreed is None:
            # A ledger of an earlier version: the CRM held what was sent, and somebody has changed it since.
            decision.agree([pair.name], {pair.name: pair.value})
        elif is_old or (agreed and agreed.sent == short_digest(came) and not (decision.is_doubtful and is_theirs)):
            if agreed and self._is_meant_otherwise(pair, agreed, known):
                decision.change(pair)
        elif agreed is None and is_empty(pair.value) and self._has_past(known):
            return  # Nobody emptied a field that never came.
        elif agreed is None and decision.base.is_mirrored and not is_empty(pair.now):
            # The other pipeline has not sent this field yet, so what is there was never ours to change.
            decision.conflicts.append(Conflict(pair.name, "unknown", pair.now, pair.value, DONE["crm"]))
            decision.agree([pair.name], {})
        elif (
            pair.is_shown
            and not decision.is_untouched
            and is_theirs
            and not self._was_cut_off_in(pair, decision, known)
        ):
            self._settle(decision, pair, agreed, known)
        else:
            decision.change(pair)

    def _has_past(self, known: Written | None) -> bool:
        """Whether the base of a record tells all fields that ever came; with one that is new by ledger, none did."""
        by_ledger = self._options.identify_by == "ledger"
        return by_ledger if known is None else known.base is not None or known.is_mirrored

    def _is_untouched(self, came: Came, now: Row, known: Written) -> bool:
        """Whether the CRM holds what was last sent, by the one digest that ledgers of earlier versions have."""
        if self._has_past(known):
            return False
        pairs = (Pair(name, value, now) for name, value in came.mapped.values.items() if name in now)
        held = {each.name: each.now or None for each in pairs if not self._is_as_stored(each, known)}
        values = {**came.mapped.as_given, **held}
        return known.digest == fingerprint(self._mapper.entity.name, values, like=known.digest)

    def _is_as_stored(self, pair: Pair, known: Written | None) -> bool:
        """Whether the CRM holds a value already, as it came or as it stored it."""
        value, now = pair.value, pair.now
        if type(value) is type(now) and value == now:
            return True
        kind = self._mapper.kind_of(pair.name)
        if same(kind, value, now):
            return True
        if known is None:
            return False
        if known.altered.get(pair.name) == (digest(value), digest(now)):
            return True
        was_cut_off = known.digest == "" and known.base is None and known.twin is None
        return was_cut_off and may_be_stored_as(kind, value, now)

    def _is_meant_otherwise(self, pair: Pair, agreed: Agreed, known: Written | None) -> bool:
        """Whether what came as before, and nobody changed here, is another one by now.

        So is an owner in whose place the settings put somebody else, and what a reference pointed to that was deleted,
        which emptied it, and came anew.
        """
        kind = self._mapper.kind_of(pair.name)
        if kind is Kind.REFERENCE:
            return is_empty(pair.now) and agreed.stored not in (EMPTY, NOT_SHOWN, short_digest(pair.value))
        is_one_way = known is not None and known.twin is None
        return is_one_way and kind is Kind.OWNER and short_digest(pair.now) == agreed.stored

    def _is_theirs(self, name: str, now: Any, agreed: Agreed | None, known: Written | None) -> bool:
        """Whether what the CRM holds did not come from here."""
        if agreed:
            return agreed.sent == NOT_SHOWN or short_digest(now) not in (agreed.stored, agreed.sent)
        # Where nothing is known of a record, the source comes first, as by the fields that identify it.
        is_first = known is None and self._options.identify_by != "ledger"
        return not is_empty(now) and not (is_first and self._options.policy_of(name) == "source")

    def _was_cut_off_in(self, pair: Pair, decision: Decision, known: Written | None) -> bool:
        """Whether a run was cut off while it wrote this very value, of which the CRM may have made what it holds."""
        is_again = known is not None and known.is_being_written and not decision.is_doubtful
        return is_again and may_be_stored_as(self._mapper.kind_of(pair.name), pair.value, pair.now)

    def _settle(self, decision: Decision, pair: Pair, agreed: Agreed | None, known: Written | None) -> None:
        """Does with a conflict what the settings say."""
        policy = self._options.policy_of(pair.name)
        if known and known.twin and known.twin.is_being_written:
            # What came may be what the other CRM made of this value, which it must not spoil.
            policy = "crm"
            if agreed is None:
                decision.agree([pair.name], {})
        was = "empty" if agreed and EMPTY in (agreed.sent, agreed.stored) else "unknown"
        decision.conflicts.append(Conflict(pair.name, was, pair.now, pair.value, DONE[policy]))
        if policy == "source":
            decision.change(pair)

    def deleted(self, existing: Existing, known: Written | None) -> list[Conflict]:
        """The fields that somebody changed in the CRM of a record that is to be deleted.

        Raises:
            Conflicted: there is one whose conflicts are rejected.
        """
        if not self._options.compares_three_ways or known is None:
            return []
        base, found = _base_of(known), []
        for name in self._columns:
            target = self._mapper.target_of(name) or ""
            agreed = base.get(base.mark(name, target))
            if agreed and target in existing.record and self._is_theirs(name, existing.record[target], agreed, known):
                done = DONE[self._options.policy_of(target)]
                done = "deleted" if done == DONE["source"] else done
                found.append(Conflict(target, "unknown", existing.record[target], None, done))
        rejected = [each.field for each in found if each.done == DONE["reject"]]
        if rejected:
            reason = f"it was deleted, and its {', '.join(rejected)} was changed in the CRM"
            raise Conflicted(reason, existing.crm_id, found)
        return found

    def keep(self, ledger: Ledger, came: tuple[str, str], conflicts: Iterable[Conflict]) -> None:
        """Keeps what is going to be overwritten until it is reported; ``came``: the key, and the id in the CRM."""
        lost = [vars(each) for each in conflicts if each.done in OVERWRITTEN]
        if lost:
            ledger.unreported.add(self._options.stream, *came, lost)

    def linking(self, link: Link) -> dict[str, Any]:
        """A reference that was left open, as it came."""
        names = (name for name in self._columns if self._mapper.target_of(name) == link.field)
        return dict.fromkeys(names, link.to_key)

    def _came(self, record: Mapping[str, Any], base: Base) -> dict[str, tuple[bytes, Any]]:
        found = {}
        targets = self._targets
        for name, value in record.items():
            target, mark = targets.get(name) or self._target(name)
            if target:
                found[target] = base.mark(name, target) if base.is_mirrored else mark, value
        return found

    def _target(self, incoming: str) -> tuple[str, bytes]:
        target = self._mapper.target_of(incoming) or ""
        self._targets[incoming] = found = (target, Base().mark(incoming, target))
        return found


def _was_sent(decision: Decision, name: str) -> bool:
    """Whether a field is known to have been given a value, so that an empty one takes it away."""
    agreed = decision.base.get(decision.came[name][0]) if name in decision.came else None
    return agreed is not None and agreed.sent != EMPTY


def _base_of(known: Written | None) -> Base:
    if known and known.is_mirrored and known.twin:
        return Base(known.twin.base, is_mirrored=True)
    return Base(known.base if known else None)
