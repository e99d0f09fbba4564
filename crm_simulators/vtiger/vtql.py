"""The query language: a lexer and a parser that refuse exactly what the real ones refuse.

The parser asks the lexer for one word at a time, because that decides which of the two fails first: a word in the wrong
place is a QUERY_SYNTAX_ERROR, a character that no word may hold is an INTERNAL_SERVER_ERROR (measured).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_simulators.vtiger.failures import Hanging, Refused, SqlError, denied, unknown_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULE = re.compile(r"from\s+([^\s;]+)", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<string>'(?:[^']|'')+')|(?P<word>\w+)|(?P<number>[+-]\d+)|(?P<sign>!=|<=|>=|[<>=(),*;])", re.ASCII
)
_WIDE_TOKEN = re.compile(
    r"(?P<string>'(?:[^']|'')+')|(?P<word>\w+(?:\.\w+)*)|(?P<number>[+-]\d+)|(?P<sign>!=|<>|<=|>=|[<>=(),*;])", re.ASCII
)
_OF_WORKFLOWS = re.compile(r"(^\s*|\s)select\s+\[| where\s+\[", re.IGNORECASE)
_OPERATORS = frozenset({"=", "<", ">", "<=", ">=", "!=", "in", "like"})
_KEYWORDS = frozenset({"select", "from", "where", "and", "or", "order", "by", "asc", "desc", "limit", "in", "like"})


@dataclass(frozen=True)
class Token:
    """One word: ``kind`` is a keyword or sign as it stands, or ``string``, ``number``, ``name``, ``end``."""

    kind: str
    text: str


@dataclass(frozen=True)
class Literal:
    """A value in a condition; the text of a string is without its outer quotes and with single inner ones."""

    text: str
    quoted: bool


@dataclass(frozen=True)
class Condition:
    """``field operator value``; ``in`` has several values, ``null`` and ``not null`` (corebos) none."""

    field: str
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class All:
    """Conditions joined by AND."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Any:
    """Conditions joined by OR."""

    parts: tuple[Node, ...]


Node = Condition | All | Any


@dataclass(frozen=True)
class Query:
    """A parsed query; ``columns`` is None for ``*`` and empty for ``count(*)``."""

    module: str
    columns: tuple[str, ...] | None
    where: Node | None
    order: tuple[str, ...]
    descending: bool
    """Applies to the last column of ``order`` only."""
    limit: tuple[int, int] | None
    """How many rows to skip and to return."""


def module_of(text: str) -> str:
    """The name that is looked up before anything is parsed."""
    found = _MODULE.search(text)
    if not found:
        raise denied("Permission to perform the operation is denied for query")
    return found[1]


def parse(text: str, *, wide: bool) -> Query:
    """Parses a query; ``wide`` is coreBOS's grammar.

    Raises:
        SqlError: coreBOS takes it for one in the language of its workflows.
    """
    stripped = text.strip()
    if not wide and not re.match(r"\w", stripped, re.ASCII):
        raise Hanging
    if wide and _OF_WORKFLOWS.search(stripped):
        raise SqlError
    if wide:
        stripped = re.sub(r"[\n\t\r]", " ", stripped)
    return _Parser(stripped, wide=wide).query()


def is_extended(text: str) -> bool:
    """Whether coreBOS takes a query for an extended one: by a dot or a parenthesis outside of what it thinks literals.

    It looks for those with regular expressions (measured, and so its code says), so that the first parenthesis in a
    literal ends a list, and a quote at its beginning ends a literal.
    """
    rest = text
    for literal in (r" in \(.+?\)", r" count\(.+?\)", r"'.+?'", r"\(\s*\)"):
        rest = re.sub(literal, "", rest, flags=re.IGNORECASE | re.DOTALL)
    return "." in rest or "(" in rest


class _Parser:
    def __init__(self, text: str, *, wide: bool) -> None:
        self._wide = wide
        self._extended = wide and is_extended(text)
        self._tokens = self._lex(text)
        self._next = next(self._tokens)

    def _lex(self, text: str) -> Iterator[Token]:
        pattern = _WIDE_TOKEN if self._wide else _TOKEN
        position = 0
        while position < len(text):
            if text[position].isspace():
                position += 1
                continue
            match = pattern.match(text, position)
            if not match:
                raise unknown_error()
            position = match.end()
            yield _token(match)
        yield Token("end", "")

    def _take(self) -> Token:
        token = self._next
        self._next = next(self._tokens, Token("end", ""))
        return token

    def _expect(self, *kinds: str) -> Token:
        if self._next.kind not in kinds:
            raise Refused(
                "QUERY_SYNTAX_ERROR",
                f"Syntax Error on line 1: token '{self._next.text}' Unexpected {self._next.kind.upper()}"
                f"({self._next.text}), expected one of: {','.join(kind.upper() for kind in kinds)}",
            )
        return self._take()

    def _accept(self, *kinds: str) -> Token | None:
        return self._take() if self._next.kind in kinds else None

    def query(self) -> Query:
        self._expect("select")
        columns = self._columns()
        self._expect("from")
        module = self._expect("name").text
        where = self._any() if self._accept("where") else None
        order, descending = self._order() if self._accept("order") else ((), False)
        limit = self._limit() if self._accept("limit") else None
        if not self._wide or self._next.kind != "end":
            self._expect(";")
        self._expect("end")
        return Query(module, columns, where, order, descending, limit)

    def _columns(self) -> tuple[str, ...] | None:
        if self._accept("*"):
            return None
        first = self._expect("name").text
        if first.lower() == "count" and self._accept("("):
            self._expect("*")
            self._expect(")")
            return ()
        columns = [first]
        while self._accept(","):
            columns.append(self._expect("name").text)
        return tuple(columns)

    def _any(self) -> Node:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self) -> Node:
        parts = [self._condition()]
        while self._accept("and"):
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _condition(self) -> Node:
        if self._wide and self._accept("("):
            inside = self._any()
            self._expect(")")
            return inside
        field = self._expect("name").text
        if self._wide and self._next.text.lower() == "is":
            return self._null(field)
        operator = self._expect(*_OPERATORS).kind
        if operator != "in":
            return Condition(field, operator, (self._value(),))
        self._expect("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value(follows=True))
        self._expect(")")
        return Condition(field, "in", tuple(values))

    def _null(self, field: str) -> Condition:
        self._take()
        negated = self._next.text.lower() == "not"
        if negated:
            self._take()
        if self._expect("name").text.lower() != "null":
            raise Refused("QUERY_SYNTAX_ERROR", "There is an syntax error in query")
        return Condition(field, "not null" if negated else "null", ())

    def _value(self, *, follows: bool = False) -> Literal:
        """A value; ``follows``: it is not the first of a list, whose others an extended query reads with their quotes.

        An extended query also strips quotes that belong to the text (measured).
        """
        token = self._expect("string", "number", "name")
        text, quoted = token.text, token.kind == "string"
        if quoted and self._extended:
            text = f" '{text}" if follows else text.strip("'")
        return Literal(text, quoted=quoted)

    def _order(self) -> tuple[tuple[str, ...], bool]:
        self._expect("by")
        columns = [self._expect("name").text]
        while self._accept(","):
            columns.append(self._expect("name").text)
        direction = self._accept("asc", "desc")
        return tuple(columns), direction is not None and direction.kind == "desc"

    def _limit(self) -> tuple[int, int]:
        first = self._count()
        return (first, self._count()) if self._accept(",") else (0, first)

    def _count(self) -> int:
        text = self._expect("number", "name").text
        # A word that is no number gets as far as the database, which refuses it like a negative one.
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else -1


def _token(match: re.Match[str]) -> Token:
    text = match[0]
    if match["string"]:
        return Token("string", text[1:-1].replace("''", "'"))
    if match["word"]:
        return Token(text.lower() if text.lower() in _KEYWORDS else "name", text)
    if match["number"]:
        return Token("number", text)
    return Token("!=" if text == "<>" else text, text)
