"""What is said of stream maps that cannot be: the SDK would tell in a traceback, which may hold a field's value."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")


@contextmanager
def applying(command: str) -> Iterator[None]:
    """A context in which stream maps are made.

    Raises:
        SystemExit: they cannot be.
    """
    try:
        yield
    except (MapExpressionError, StreamMapConfigError) as error:
        raise SystemExit(f"{command}: `stream_maps` cannot be applied: {error}") from None


def in_words(asked: Callable[[dict[str, Any]], Result]) -> Callable[[dict[str, Any]], Result]:
    """What a stream map makes of a record; it raises MapExpressionError only, whose text repeats no value."""

    def answered(record: dict[str, Any]) -> Result:
        try:
            return asked(record)
        except MapExpressionError as error:
            raise MapExpressionError(f"`stream_maps` fails on it: {error}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise MapExpressionError(f"`stream_maps` fails on it ({type(error).__name__})") from None

    return answered
