"""The page for people: one file that needs no server, runs no script but its own, and shows texts as they are."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup, escape

from target_crm.report.stream import CONFLICTS, KINDS, StreamReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jinja2 import Template

    from target_crm.report.shown import Shown

MOST_ON_PAGE = 20_000
"""About how many records a page shows, which a browser shows and filters at once; the JSON has all."""
FEWEST = 500
"""How many of each kind are shown in any case."""
LONG = 300
"""Characters from which a text is folded."""
AROUND = 40
"""Characters of a folded text that are seen before its difference."""
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters that nobody sees, or that turn others around."""
_FOLD = Markup('<details class="long"><summary><bdi>{}</bdi> <i>{:,} characters</i></summary><bdi>{}</bdi></details>')


def page_of(told: Mapping[str, Any], streams: Mapping[str, StreamReport], shown: Shown) -> Iterator[str]:
    """The page, piece by piece; ``told`` is the JSON without its records.

    Raises:
        OSError: the records to show cannot be read.
    """
    parts = [(stream, kind) for stream in streams for kind in (*KINDS.values(), CONFLICTS)]
    filled = sum(bool(shown.count(*part)) for part in parts)
    most = max(FEWEST, MOST_ON_PAGE // max(filled, 1))
    script = _read("page.js")
    yield from _template().generate(
        told,
        parts={
            name: {
                "of": part,
                "labels": {each.name: each.label for each in part.entity.fields},
                "records": {kind: islice(shown.records(name, kind), most) for _name, kind in parts if _name == name},
                "most": most,
                "conflicts": shown.count(name, CONFLICTS),
            }
            for name, part in streams.items()
        },
        style=Markup(_read("page.css")),  # noqa: S704 - our own
        script=Markup(script),  # noqa: S704 - our own
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@cache
def _template() -> Template:
    """The page without its contents; compiling it takes longer than many a run."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(said=_said, compared=compared)
    return environment.from_string(_read("page.html.j2"))


def _read(name: str) -> str:
    return files("target_crm.report").joinpath(name).read_text("utf-8")


def _said(value: Any) -> Markup:
    """A value in words, without difference."""
    return compared(value, None)[0]


def compared(one: Any, other: Any) -> tuple[Markup, Markup]:
    """Two values as HTML, each with what the other does not have marked, long texts folded."""
    texts = [_text(one), _text(other)]
    begin, end = _difference(*texts) if all(texts) else (0, 0)
    return _html(texts[0], begin, end), _html(texts[1], begin, end)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(each, (list, dict)) for each in value):
        return ", ".join(map(_text, value))
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, indent=1)
    return "" if value is None else str(value)


def _difference(one: str, other: str) -> tuple[int, int]:
    """How many characters both begin and end with, in whole words; 0 and 0 where they have little in common."""
    words = [re.findall(r"\s+|\w+|[^\w\s]", text) for text in (one, other)]
    begin = _in_common(*words)
    end = _in_common(*([*reversed(each[begin:])] for each in words))
    first, last = (len("".join(part)) for part in (words[0][:begin], words[0][len(words[0]) - end :]))
    return (first, last) if (first + last) * 3 >= max(len(one), len(other)) else (0, 0)


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _html(text: str, begin: int, end: int) -> Markup:
    if not text:
        return Markup('<span class="empty">empty</span>')
    middle = text[begin : len(text) - end]
    if begin or end:
        whole = Markup("{}<mark>{}</mark>{}").format(_seen(text[:begin]), _seen(middle), _seen(text[len(text) - end :]))
    else:
        whole = _seen(text)
    if len(text) <= LONG:
        return Markup("<bdi>{}</bdi>").format(whole)
    start = max(0, begin - AROUND)
    excerpt = f"{'… ' if start else ''}{text[start : start + LONG // 2]} …"
    return _FOLD.format(_seen(excerpt), len(text), whole)


def _seen(text: str) -> Markup:
    """A text in which every character can be seen."""
    return Markup(_HIDDEN.sub(lambda found: f'<span class="hidden">U+{ord(found[0]):04X}</span>', str(escape(text))))  # noqa: S704 - escaped
