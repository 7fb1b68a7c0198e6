"""A terminal's screen as a picture: SVG made of what is on a ``pyte`` screen, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

import pyte
from pyte.screens import Char

_CELL, _LINE = 8.43, 19  # of 14 px monospace letters
_MARGIN, _HEAD = 16, 38
_FONT = "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_PAPER, _INK = "#232634", "#c6d0f5"
_COLOURS = {
    "black": "#51576d",
    "red": "#e78284",
    "green": "#a6d189",
    "brown": "#e5c890",
    "blue": "#8caaee",
    "magenta": "#f4b8e4",
    "cyan": "#81c8be",
    "white": "#b5bfe2",
    "brightblack": "#737994",
    "brightred": "#e78284",
    "brightgreen": "#a6d189",
    "brightbrown": "#e5c890",
    "brightblue": "#8caaee",
    "brightmagenta": "#f4b8e4",
    "brightcyan": "#81c8be",
    "brightwhite": "#ffffff",
}


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring characters that look the same."""

    column: int
    text: str
    look: Char


def picture(screen: pyte.Screen, title: str, *, lines: int = 0, cursor: bool = True) -> str:
    """The screen in a window; ``lines`` of it (all by default)."""
    rows = lines or screen.lines
    width = round(screen.columns * _CELL + 2 * _MARGIN)
    height = rows * _LINE + _HEAD + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{_PAPER}"/>',
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="9.5" fill="none" '
        'stroke="#414559"/>',
        *(
            f'<circle cx="{_MARGIN + 6 + 20 * n}" cy="19" r="6" fill="{colour}"/>'
            for n, colour in enumerate(("#e78284", "#e5c890", "#a6d189"))
        ),
        f'<text x="{width // 2}" y="24" fill="#838ba7" font-size="13" text-anchor="middle" '
        f'font-family="system-ui, sans-serif">{escape(title)}</text>',
        f'<g font-family="{_FONT}" font-size="14" fill="{_INK}">',
    ]
    for number in range(rows):
        parts += _row(screen, number)
    if cursor and screen.cursor.y < rows and not screen.cursor.hidden:
        x, y = _place(screen.cursor.x, screen.cursor.y)
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{_CELL:.1f}" height="{_LINE}" fill="#f2d5cf" '
            'opacity=".75"/>'
        )
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _row(screen: pyte.Screen, number: int) -> Iterator[str]:
    for run in _runs(screen, number):
        ink, paper = _inks(run.look)
        x, y = _place(run.column, number)
        width = len(run.text) * _CELL
        if paper:
            yield (
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_LINE}" fill="{paper}"/>'
            )
        if not run.text.strip():
            continue
        text = run.text.rstrip()
        start = len(text) - len(text.lstrip())
        text = text.lstrip()
        style = f' fill="{ink}"' if ink != _INK else ""
        style += ' font-weight="bold"' if run.look.bold else ""
        style += ' font-style="italic"' if run.look.italics else ""
        style += ' text-decoration="underline"' if run.look.underscore else ""
        yield (
            f'<text x="{x + start * _CELL:.1f}" y="{y + 14}" textLength="{len(text) * _CELL:.1f}"'
            f'{style} xml:space="preserve">{escape(text)}</text>'
        )


def _runs(screen: pyte.Screen, number: int) -> Iterator[_Run]:
    line = screen.buffer[number]
    run: _Run | None = None
    for column in range(screen.columns):
        cell = line[column]
        look = cell._replace(data="")
        if run is not None and look == run.look:
            run = _Run(run.column, run.text + cell.data, look)
            continue
        if run is not None:
            yield run
        run = _Run(column, cell.data, look)
    if run is not None:
        yield run


def _inks(look: Char) -> tuple[str, str]:
    """The colours of letters and of what is behind them ('' for the paper)."""
    ink = _colour(look.fg, _INK)
    paper = _colour(look.bg, "")
    return (paper or _PAPER, ink) if look.reverse else (ink, paper)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _COLOURS.get(name) or f"#{name}"


def _place(column: int, row: int) -> tuple[float, int]:
    return _MARGIN + column * _CELL, _HEAD + row * _LINE
