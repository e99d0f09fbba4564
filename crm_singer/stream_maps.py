"""What is said of stream maps and flattening that cannot be: the SDK would tell in a traceback, or in JSON Schema."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from singer_sdk.exceptions import MapExpressionError, MappingError, StreamMapConfigError
from singer_sdk.mapper import CustomStreamMap, PluginMapper, RemoveRecordTransform

if TYPE_CHECKING:
    from ast import Expr
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.mapper import StreamMap

Result = TypeVar("Result")

KEY = "__key_properties__"
MIXED = "several streams would be called {}, and whoever takes them could not tell them apart: name each otherwise."
FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What the SDK fails with over an expression, a value or a schema that it did not think of."""


def problems(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong inside of `stream_maps`, `faker_config` and flattening; what is wrong by itself is None here."""
    maps = settings["stream_maps"] or {}
    found = [each for name, meant in maps.items() for each in _of_a_map(name, meant)]
    named = [meant.get("__alias__") for meant in maps.values() if isinstance(meant, dict)]
    aliases = Counter(each for each in named if isinstance(each, str) and "__stream_name__" not in each)
    found += [f"`stream_maps`: {MIXED.format(name)}" for name, times in aliases.items() if times > 1]
    faker = settings["faker_config"] or {}
    if not isinstance(faker.get("seed"), (str, int, float, type(None))):
        found.append("`faker_config`: seed must be a number or a text.")
    if not (_is_text(faker.get("locale")) or _are_texts(faker.get("locale"))):
        found.append("`faker_config`: locale must be a text or a list of texts.")
    depth = settings["flattening_max_depth"]
    if settings["flattening_enabled"] and (depth is None or depth < 0):
        found.append("`flattening_max_depth` must be a number of levels, from 0 on, where `flattening_enabled` is set.")
    return found


def _of_a_map(name: str, meant: Any) -> Iterator[str]:
    if meant is None:
        return
    if name == "__else__":
        yield "`stream_maps`: __else__ can only be null, which leaves the other streams out."
    elif not isinstance(meant, dict):
        yield f"`stream_maps`: {name} must be an object, or null to leave the stream out."
    else:
        yield from (f"`stream_maps`: {name}: {said}" for said in map(_of_a_field, meant, meant.values()) if said)


def _of_a_field(name: str, meant: Any) -> str:
    if name == "__else__":
        return "" if meant is None else "__else__ can only be null, which leaves the other fields out."
    if name == KEY:
        return "" if meant is None or _are_texts(meant) else f"{KEY} must be a list of fields, or null."
    if name in {"__source__", "__alias__"}:
        return "" if isinstance(meant, str) else f"{name} must be the name of a stream."
    return "" if _is_text(meant) else f"{name} must be a text, or null to leave it out."


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


class FlatMaps(PluginMapper):
    """The SDK's stream maps and flattening."""

    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        """Makes the maps of a stream.

        Raises:
            MappingError: they cannot be.
        """
        try:
            super().register_raw_stream_schema(stream_name, schema, key_properties)
        except FAULTS as error:
            if "Duplicate column name" in str(error):
                raise StreamMapConfigError(
                    f"flattened, two fields of {stream_name} have one name: change `flattening_separator` or "
                    "`flattening_max_key_length`."
                ) from None
            if not self.stream_maps_dict:
                raise
            raise StreamMapConfigError(
                f"{stream_name} is mapped, or described, in a way that is not understood."
            ) from None

    def tell_apart(self, streams: Iterable[str]) -> None:
        """Makes sure that what these streams become has a name each.

        Raises:
            StreamMapConfigError: several have one.
        """
        made = chain.from_iterable(self.stream_maps[name] for name in streams)
        names = Counter(each.stream_alias for each in made if not isinstance(each, RemoveRecordTransform))
        if several := [name for name, times in names.items() if times > 1]:
            raise StreamMapConfigError(MIXED.format(several[0]))


@contextmanager
def applying(command: str) -> Iterator[None]:
    """A context in which stream maps are made. Their texts repeat expressions and names, but no value of a field.

    Raises:
        SystemExit: they cannot be.
    """
    try:
        yield
    except MappingError as error:
        raise SystemExit(f"{command}: `stream_maps` cannot be applied: {error}") from None


def spare_deletions(mapped: StreamMap, tells_only_deletion: Callable[[dict[str, Any]], bool]) -> None:
    """Lets what tells only that a record is gone, and so has no fields to judge by, pass a map.

    It passes every filter, and where an expression fails over it, as most do over null, the field is null, unless it is
    of the key.
    """
    passes = mapped.get_filter_result

    def is_let_through(record: dict[str, Any]) -> bool:
        return tells_only_deletion(record) or passes(record)

    mapped.get_filter_result = is_let_through  # type: ignore[method-assign]  # of this one map
    if not isinstance(mapped, CustomStreamMap):
        return
    # Nothing else of the SDK tells one expression from another.
    evaluate, keys = mapped._eval, mapped.transformed_key_properties or ()  # noqa: SLF001

    def evaluated(expr: str, expr_parsed: Expr, record: dict[str, Any], property_name: str | None) -> Any:
        try:
            return evaluate(expr, expr_parsed, record, property_name)
        except (MappingError, *FAULTS):
            if property_name in keys or not tells_only_deletion(record):
                raise
            return None

    mapped._eval = evaluated  # type: ignore[method-assign]  # noqa: SLF001


def in_words(asked: Callable[[dict[str, Any]], Result]) -> Callable[[dict[str, Any]], Result]:
    """What a stream map makes of a record; it raises MapExpressionError only, whose text repeats no value."""

    def answered(record: dict[str, Any]) -> Result:
        try:
            return asked(record)
        except MappingError as error:
            raise MapExpressionError(f"`stream_maps` fails on it: {error}") from None
        except FAULTS as error:
            raise MapExpressionError(f"`stream_maps` fails on it ({type(error).__name__})") from None

    return answered
