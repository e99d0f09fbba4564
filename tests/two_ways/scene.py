"""Two CRMs and the pipelines between them, for single scenes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.contract.subjects import SUBJECTS
from tests.two_ways.pipes import Pipe
from tests.two_ways.sides import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ANN = {"first_name": "Ann", "last_name": "Nova", "email": "ann@example.com", "note": "first"}


class Scene:
    """Two sides and the pipelines between them."""

    def __init__(self, a: Side, b: Side, folder: Path, **more: Any) -> None:
        self.a, self.b = a, b
        self.to_b, self.to_a = Pipe(a, b, folder, **more), Pipe(b, a, folder, **more)

    def go(self, *pipes: Pipe) -> None:
        """Runs pipelines, by turns both if none is named."""
        for pipe in pipes or (self.to_b, self.to_a):
            assert pipe.write(pipe.read()) == ""

    def one(self, side: Side) -> dict[str, str]:
        """The only person there."""
        (values,) = side.people().values()
        return values

    def twin(self, side: Side) -> str:
        """The id of the only person there."""
        (crm_id,) = side.people()
        return crm_id

    def twin_of(self, first_name: str, side: Side) -> str:
        """The id of who has this name there."""
        (crm_id,) = (each for each, values in side.people().items() if values["first_name"] == first_name)
        return crm_id


@contextmanager
def scene(folder: Path, one: str = "vtiger", other: str = "vtiger", **more: Any) -> Iterator[Scene]:
    """A scene with Ann in the first CRM, who has come to the other."""
    with SUBJECTS[one].start(0) as a, SUBJECTS[other].start(0) as b:
        found = Scene(Side(one, "a", a), Side(other, "b", b), folder, **more)
        found.a.create(ANN)
        found.go()
        yield found


def lower_cased(side: Side) -> None:
    """Lets a Vtiger keep e-mails in small letters."""
    store: Any = getattr(side.simulator, "store", None)

    def lowering(keep: Callable[..., Any]) -> Callable[..., Any]:
        def kept(record: Any, values: dict[str, Any], *rest: Any) -> Any:
            lowered = {name: value.lower() if name == "email" else value for name, value in values.items()}
            return keep(record, lowered, *rest)

        return kept

    store.add, store.put = lowering(store.add), lowering(store.put)
