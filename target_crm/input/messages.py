"""What comes in, and what may be wrong with it: Singer is JSON in UTF-8, one message a line."""

from __future__ import annotations

import codecs
import re
import sys
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.io_base import SingerMessageType, SingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from singer_sdk.singerlib.json import deserialize_json

from crm_systems.decoding import may_be_deep
from target_crm.encoding import is_writable, printable
from target_crm.input import termination

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_SINGER = (InvalidInputLine, MissingKeyPropertiesError, RecordsWithoutSchemaException)
_IN_WORDS: dict[type[Exception], str] = {
    MissingKeyPropertiesError: "the record lacks a field of its stream's key",
    RecordsWithoutSchemaException: "there are records of a stream before its SCHEMA",
}
"""What the SDK finds wrong with the input, in words that do not repeat it."""

_KINDS = frozenset(each.value for each in SingerMessageType)
MOST_NESTED = 200
"""Lists and objects inside each other; no CRM holds more, and Python's own limit is not far above."""
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_STREAM = re.compile(rb'"stream"\s*:\s*"([^"\\]{1,200})"')
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def standard_input() -> IO[bytes]:
    """Standard input as bytes, since its text would be decoded as the locale says.

    Raises:
        InvalidInputLine: it is closed.
    """
    if sys.stdin is None:
        raise InvalidInputLine("it is closed")
    return sys.stdin.buffer


class Messages(SingerReader):
    """Reads Singer messages, remembers where it is, and keeps what it cannot read out of the log."""

    def __init__(self) -> None:
        super().__init__()
        self._line = 0
        self._stream = ""
        self.is_writable = False
        """Whether it is certain of the last message that UTF-8 can hold all its texts."""

    @property
    def is_empty(self) -> bool:
        """Whether no line has come."""
        return not self._line

    @property
    def place(self) -> str:
        """Where the message stands that was read last, for people."""
        of_stream = f" (stream {printable(self._stream)})" if self._stream else ""
        return f"Line {self._line} of the input{of_stream}" if self._line else "The input"

    @contextmanager
    def in_words(self, command: str) -> Iterator[None]:
        """A context for what reads the input.

        Raises:
            SystemExit: it cannot be read; the sentence names the line and its stream.
        """
        try:
            yield
        except NOT_SINGER as error:
            reason = _IN_WORDS.get(type(error), str(error))
            raise SystemExit(f"{command}: {self.place}: {reason}, so the run stops.") from None

    def messages_in(self, lines: Iterator[bytes | str]) -> Iterator[bytes | str]:
        """The lines that say something.

        Raises:
            InvalidInputLine: the first one is UTF-16, or one is too long.
        """
        for line in lines:
            self._line, self._stream = self._line + 1, ""
            if len(line) > termination.LONGEST:
                raise InvalidInputLine(f"it is longer than {termination.LONGEST >> 20} MiB")
            says = _without_mark(line) if self._line == 1 and isinstance(line, bytes) else line
            if says and not says.isspace():
                yield says

    def deserialize_json(self, line: bytes | str) -> dict[str, Any]:
        """A message.

        Raises:
            InvalidInputLine: the line is none; the text says why.
        """
        line = line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")
        try:
            message = self._json_in(line)
        except UnicodeDecodeError:
            self._guess_stream(line)
            raise InvalidInputLine("it holds a byte that is no UTF-8") from None
        except RecursionError:
            self._guess_stream(line[:1000])
            raise InvalidInputLine("it is nested too deep") from None
        except InvalidOperation:
            self._guess_stream(line[:1000])
            raise InvalidInputLine("it holds a number beyond all measure") from None
        except ValueError:
            self._guess_stream(line[:1000])
            raise InvalidInputLine("it is no Singer message, nor JSON at all") from None
        if not isinstance(message, dict):
            raise InvalidInputLine("it is no Singer message")
        if isinstance(message.get("stream"), str):
            self._stream = message["stream"]
        if may_be_deep(line, MOST_NESTED) and _depth(message) > MOST_NESTED:
            raise InvalidInputLine("it is nested too deep")
        problem = _problem(message)
        if problem:
            raise InvalidInputLine(problem)
        return message

    def _json_in(self, line: bytes) -> Any:
        """The JSON in a line, numbers digit for digit; what the quick reader does not take goes another way.

        That is NaN, for one, and half a surrogate pair.

        Raises:
            ValueError, RecursionError: there is none.
            InvalidOperation: it holds a number with an exponent of more than 18 digits.
            UnicodeDecodeError: it is no UTF-8.
        """
        self.is_writable = False
        try:
            message = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return deserialize_json(line.decode())
        self.is_writable = True
        return message

    def _guess_stream(self, line: bytes) -> None:
        if found := _STREAM.search(line):
            self._stream = found[1].decode("utf-8", "replace")


def _without_mark(first: bytes) -> bytes:
    """The first line without the mark that some begin a file with.

    Raises:
        InvalidInputLine: it is UTF-16.
    """
    if first.startswith(_UTF_16) or first[1:2] == b"\0" or first[:1] == b"\0":
        raise InvalidInputLine("it is UTF-16, and Singer is UTF-8")
    return first.removeprefix(codecs.BOM_UTF8)


def _problem(message: dict[str, Any]) -> str:
    """What is wrong with a message; empty if nothing is."""
    kind = message.get("type")
    if kind == SingerMessageType.RECORD and message.get("stream").__class__ is str and message["stream"]:
        return "" if isinstance(message.get("record"), dict) else "the RECORD holds no object"
    if not isinstance(kind, str) or kind not in _KINDS:
        return "it is no Singer message: its type is none of RECORD, SCHEMA, STATE and ACTIVATE_VERSION"
    if kind == SingerMessageType.STATE:
        return "" if "value" in message else "the STATE has no value"
    stream = message.get("stream")
    if not isinstance(stream, str) or not stream:
        return f"the {kind} names no stream"
    if kind == SingerMessageType.BATCH:
        return "records in BATCH files are not read; turn `batch_config` off in the tap"
    return _problem_of_schema(message) if kind == SingerMessageType.SCHEMA else ""


def _problem_of_schema(message: dict[str, Any]) -> str:
    schema, keys = message.get("schema"), message.get("key_properties")
    if not isinstance(schema, dict):
        return "the SCHEMA holds no object"
    if not isinstance(schema.get("properties"), dict):
        return f"the SCHEMA of the stream {printable(message['stream'])} names no fields"
    if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) and key for key in keys)):
        return "the `key_properties` of the SCHEMA are no list of fields"
    if not is_writable(message):
        return "the SCHEMA holds half a surrogate pair, which is no text"
    return ""


def _depth(value: Any) -> int:
    """How many lists and objects stand inside each other."""
    depth, level = 0, [value]
    while level:
        depth += 1
        parts = (each.values() if isinstance(each, dict) else each for each in level)
        level = [inner for part in parts for inner in part if isinstance(inner, (dict, list))]
    return depth
