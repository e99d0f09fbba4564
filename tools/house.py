"""Draws the plan of the house, ``docs/house.svg``, from the imports that the code really has."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import grimp

from crm_systems import SYSTEMS

PACKAGES = ("crm_systems", "crm_singer", "tap_crm", "target_crm", "crm_simulators")
CRMS = tuple(dict.fromkeys(system.__module__.split(".")[1] for system in SYSTEMS))
"""The rooms of the CRMs."""
FOLDERS = (*CRMS, "client", "settings")
FILES = {
    "helpers": ("discovery",),
    "ground": ("system", "beside", "decoding", "compiled"),
    "words": ("model", "errors", "kinds", "wire", "times"),
}
"""Rooms that are no folders; a file at the door of crm_systems that is not named here is a tool that CRMs share."""
FLOORS = (
    ("tap_crm", "target_crm", "crm_simulators"),
    ("crm_singer",),
    ("registry", "helpers"),
    FOLDERS,
    ("tools", "ground"),
    ("words",),
)
SAYS = {
    "tap_crm": ("tap_crm/", "Singer out; names no CRM"),
    "target_crm": ("target_crm/", "Singer in; names no CRM"),
    "crm_simulators": ("crm_simulators/", "a server a CRM, to try all this on"),
    "crm_singer": ("crm_singer/", "what both share of Singer"),
    "registry": ("crm_systems/", "the door: SYSTEMS, open_client"),
    "helpers": ("for the connectors", "asking for all that is there"),
    "client": ("client/", "all input, output"),
    "settings": ("settings/", "what one can set"),
    "tools": ("what several CRMs share", "paging by position, rows, sampling, an index of values"),
    "ground": ("what each CRM must tell", "the class System; JSON in answers; pages, typed at once"),
    "words": ("the words", "frozen data, errors, and the types in (kinds) and out (wire)"),
    **{crm: (f"{crm}/", "one CRM") for crm in CRMS},
}
"""Title and purpose of each room."""
WIDTH, EDGE, GAP, RISE, LINE, PAD, LETTER = 1120, 20, 20, 46, 16, 12, 6.8
STYLE = (
    "text{font:12px Helvetica,Arial,sans-serif;fill:#57606a}.title{font-size:14px;font-weight:bold;fill:#1f2328}"
    ".says{font-style:italic}rect{fill:#f6f8fa;stroke:#57606a}.crm{fill:#ddf4ff}.connector{fill:#dafbe1}"
    "path{stroke:#0969da;stroke-width:1.3;fill:none}"
)


class Box(NamedTuple):
    """A place in the picture, in pixels."""

    left: float
    top: float
    width: float
    height: float


def room_of(module: str) -> str:
    """The room in which a module stands."""
    package, _, inside = module.partition(".")
    first = inside.partition(".")[0]
    if package != "crm_systems":
        return package
    if not first or first in FOLDERS:
        return first or "registry"
    return next((room for room, files in FILES.items() if first in files), "tools")


def plan() -> tuple[dict[str, list[str]], set[tuple[str, str]]]:
    """The files in each room, and from which room to which imports lead, those for types included."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    files: dict[str, list[str]] = {room: [] for floor in FLOORS for room in floor}
    for module in sorted(graph.modules):
        room = room_of(module)
        base = room if room in PACKAGES else f"crm_systems.{room}" if room in FOLDERS else "crm_systems"
        child = module.removeprefix(base).lstrip(".").partition(".")[0]
        shown = f"{child}/" if child and graph.find_children(f"{base}.{child}") else child
        if shown and shown not in files[room]:
            files[room].append(shown)
    imports = ((module, each) for module in graph.modules for each in graph.find_modules_directly_imported_by(module))
    return files, {(room_of(here), room_of(there)) for here, there in imports if room_of(here) != room_of(there)}


def reduced(arrows: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The arrows without those that follow from two or more others."""

    def leads(here: str, there: str) -> bool:
        return any(a == here and (b == there or leads(b, there)) for a, b in arrows)

    return sorted(
        (here, there)
        for here, there in arrows
        if not any(a == here and b != there and leads(b, there) for a, b in arrows)
    )


def shares(floor: tuple[str, ...]) -> list[float]:
    """How wide the rooms of a floor are, in columns of the floor of the CRMs."""
    columns = len(FOLDERS)
    widths = {"tap_crm": 1.5, "crm_simulators": 1.5, "registry": len(CRMS), "helpers": 1.0, "ground": 2.0}
    rest = columns - sum(widths.get(room, 0) for room in floor)
    return [1.0] * columns if floor[0] in CRMS else [widths.get(room, rest) for room in floor]


def layout(files: dict[str, list[str]]) -> dict[str, Box]:
    """Where each room stands, the ones that import above those that are imported."""
    boxes: dict[str, Box] = {}
    top, column = float(EDGE), (WIDTH - 2 * EDGE + GAP) / len(FOLDERS)
    for floor in FLOORS:
        left, row = float(EDGE), {}
        for room, share in zip(floor, shares(floor), strict=True):
            row[room] = (left, share * column - GAP)
            left += share * column
        height = max(head(room) + LINE * lines(files[room], row[room][1]) for room in floor) + PAD
        boxes |= {room: Box(at, top, width, height) for room, (at, width) in row.items()}
        top += height + RISE
    return boxes


def head(room: str) -> int:
    """The height of a room's title and purpose."""
    return PAD + LINE * (2 if SAYS[room][1] else 1) + 4


def columns_of(files: list[str], width: float) -> int:
    """How many names stand side by side."""
    return max(int((width - PAD) // (LETTER * max(map(len, files), default=1) + PAD)), 1)


def lines(files: list[str], width: float) -> int:
    """How many lines the names take."""
    return -(-len(files) // columns_of(files, width))


def drawn(room: str, files: list[str], box: Box) -> list[str]:
    """A room with its title, its purpose and its files."""
    title, says = SAYS[room]
    look = "crm" if room in CRMS else "connector" if room in {"tap_crm", "target_crm"} else "room"
    x, y, columns = box.left + PAD, box.top + PAD, columns_of(files, box.width)
    parts = [
        (
            f"<rect class='{look}' x='{box.left:.0f}' y='{box.top:.0f}' width='{box.width:.0f}' "
            f"height='{box.height:.0f}' rx='6'/>"
        ),
        f"<text class='title' x='{x:.0f}' y='{y + 10:.0f}'>{escape(title)}</text>",
    ]
    if says:
        parts.append(f"<text class='says' x='{x:.0f}' y='{y + 26:.0f}'>{escape(says)}</text>")
    for place, name in enumerate(files):
        across, down = place % columns * (box.width - PAD) / columns, place // columns * LINE
        parts.append(f"<text x='{x + across:.0f}' y='{box.top + head(room) + down + 12:.0f}'>{escape(name)}</text>")
    return parts


def arrow(here: str, there: str, boxes: dict[str, Box], arrows: list[tuple[str, str]]) -> str:
    """A line from the foot of one room to the roof of another; those that meet at a room stand side by side."""
    start, end = boxes[here], boxes[there]
    leaving = sorted((b for a, b in arrows if a == here), key=lambda room: _middle(boxes[room]))
    coming = sorted((a for a, b in arrows if b == there), key=lambda room: _middle(boxes[room]))
    x1 = start.left + start.width * (leaving.index(there) + 1) / (len(leaving) + 1)
    x2 = end.left + end.width * (coming.index(here) + 1) / (len(coming) + 1)
    y1, y2 = start.top + start.height, end.top
    # It goes straight down to the gap above the other room, behind all that stands between, and bends there.
    bend = y2 - RISE
    return (
        f"<path d='M{x1:.0f} {y1:.0f}V{bend:.0f}C{x1:.0f} {bend + 26:.0f} {x2:.0f} {y2 - 26:.0f} "
        f"{x2:.0f} {y2 - 2:.0f}' marker-end='url(#tip)'/>"
    )


def _middle(box: Box) -> float:
    return box.left + box.width / 2


def svg() -> str:
    """The picture."""
    files, arrows = plan()
    boxes, shown = layout(files), reduced(arrows)
    height = max(box.top + box.height for box in boxes.values()) + EDGE
    parts = [
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0f}' role='img' "
            "aria-label='The rooms of the house; each imports only what stands below it'>"
        ),
        f"<style>{STYLE}</style>",
        (
            "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
            "<path d='M0 0L8 4L0 8z' style='fill:#0969da'/></marker></defs>"
        ),
        f"<rect width='{WIDTH}' height='{height:.0f}' style='fill:white;stroke:none'/>",
        *(arrow(here, there, boxes, shown) for here, there in shown),
    ]
    for room, box in boxes.items():
        parts += drawn(room, files[room], box)
    return "\n".join([*parts, "</svg>", ""])
