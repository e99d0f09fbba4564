"""A bar chart from numbers, as SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FONT = "font-family='Helvetica, Arial, sans-serif' font-size='13'"
LEFT, WIDTH, BAR = 170, 720, 26


def bars(title: str, figures: Mapping[str, float]) -> str:
    """One bar a figure, longest at full width."""
    longest = max(figures.values())
    height = 50 + BAR * len(figures)
    parts = [
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' {FONT} "
            f"aria-label='{escape(title)}'>"
        ),
        f"<rect width='{WIDTH}' height='{height}' fill='white'/>",
        f"<text x='12' y='24' font-weight='bold'>{escape(title)}</text>",
    ]
    for place, (name, figure) in enumerate(figures.items()):
        y, long = 38 + place * BAR, figure / longest * (WIDTH - LEFT - 70)
        colour = "#0969da" if name.startswith("tap-crm") else "#8c959f"
        parts += [
            f"<text x='{LEFT - 10}' y='{y + 15}' text-anchor='end'>{escape(name)}</text>",
            f"<rect x='{LEFT}' y='{y}' width='{long:.1f}' height='{BAR - 8}' rx='3' fill='{colour}'/>",
            f"<text x='{LEFT + long + 8:.1f}' y='{y + 15}'>{figure:.2f}</text>",
        ]
    return "\n".join([*parts, "</svg>", ""])
