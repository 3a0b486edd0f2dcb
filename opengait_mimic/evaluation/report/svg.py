"""Line and point charts as inline SVG: text stays text, colours come from the page's style sheet, no two series look alike in grey.

A series has a number; ``s0`` .. ``s6`` colour it (style.css), its marker repeats after 8 and its dashes after 5, so 40 series differ
without colour.
"""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 340, 270  # pixels at which the letters have their size: a phone's width
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40
COLOURS = 7
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2")
MARKERS = ("circle", "square", "up", "diamond", "down", "cross", "plus", "star")
SIDES = {"up": (3, -90, 0), "down": (3, 90, 0), "diamond": (4, 0, 0), "square": (4, 45, 0), "star": (10, -90, 1)}


class Axis(NamedTuple):
    """One axis: its label, its ends in the unit of the data, logarithmic or not, and where the ticks stand (None: at round numbers)."""

    label: str
    low: float
    high: float
    log: bool = False
    ticks: tuple[float, ...] | None = None

    def at(self, value: float) -> float:
        """0..1 along the axis; values beyond its ends are put at them."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, max(value, self.low)))
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def marks(self) -> list[float]:
        """Where the ticks stand."""
        if self.ticks is not None:
            return list(self.ticks)
        if self.log:
            return [10.0**e for e in range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)]
        step = 10 ** math.floor(math.log10((self.high - self.low) / 4))
        step *= next(m for m in (1, 2, 2.5, 5, 10) if (self.high - self.low) / (step * m) <= 6)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(i * step, 10) for i in range(first, last + 1)]


def marker(series: int, x: float, y: float, r: float = 4.5) -> str:
    """The marker of a series, centred."""
    shape, style = MARKERS[series % len(MARKERS)], f"s{series % COLOURS}"
    if shape == "circle":
        return f'<circle class="m {style}" cx="{x:.1f}" cy="{y:.1f}" r="{r * 0.85:.1f}"/>'
    if shape in SIDES:
        corners, turn, deep = SIDES[shape]
        points = []
        for i in range(corners):
            angle, far = math.radians(turn + 360 * i / corners), r * (0.45 if deep and i % 2 else 1.12)
            points.append(f"{x + far * math.cos(angle):.1f},{y + far * math.sin(angle):.1f}")
        return f'<polygon class="m {style}" points="{" ".join(points)}"/>'
    d = r * 0.8
    path = f"M{x - d:.1f} {y - d:.1f}l{2 * d:.1f} {2 * d:.1f}m0 {-2 * d:.1f}l{-2 * d:.1f} {2 * d:.1f}"
    if shape == "plus":
        path = f"M{x - r:.1f} {y:.1f}h{2 * r:.1f}M{x:.1f} {y - r:.1f}v{2 * r:.1f}"
    return f'<path class="x {style}" d="{path}"/>'


def dashes(series: int) -> str:
    """The attribute that dashes a series' line; empty for a full one."""
    dash = DASHES[series % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def swatch(series: int, line: bool = True) -> str:
    """The sample of a series in a legend."""
    path = f'<path class="l s{series % COLOURS}"{dashes(series)} d="M1 7H31"/>' if line else ""
    return f'<svg class="swatch" viewBox="0 0 32 14" width="32" height="14" aria-hidden="true">{path}{marker(series, 16, 7)}</svg>'


class Chart:
    """Axes with a grid; marks are added in the units of the data and drawn in their order.

    Args:
        alt: description for readers who do not see the chart.
        x: the axis to the right.
        y: the axis upwards.
        room: pixels kept free at the right, for words.
    """

    def __init__(self, alt: str, x: Axis, y: Axis, room: int = 0):
        self.alt, self.x, self.y, self.right = alt, x, y, WIDTH - RIGHT - room
        self.parts: list[str] = []

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        return LEFT + self.x.at(x) * (self.right - LEFT), HEIGHT - BOTTOM - self.y.at(y) * (HEIGHT - TOP - BOTTOM)

    def line(self, xs, ys, series: int | None = None) -> None:
        """A line through points; without a series a thin grey one."""
        points = " ".join("{:.1f},{:.1f}".format(*self.place(x, y)) for x, y in zip(xs, ys))
        style = 'class="guide"' if series is None else f'class="l s{series % COLOURS}"{dashes(series)}'
        self.parts.append(f'<polyline {style} points="{points}"/>')

    def point(self, x: float, y: float, series: int, title: str = "", r: float = 4.5) -> None:
        """A marker; its title is shown under the mouse."""
        mark = marker(series, *self.place(x, y), r)
        self.parts.append(f"<g>{mark}<title>{escape(title)}</title></g>" if title else mark)

    def range(self, x: float, low: float, high: float, series: int) -> None:
        """A vertical interval with caps."""
        (at, bottom), (_, top) = self.place(x, low), self.place(x, high)
        path = f"M{at:.1f} {bottom:.1f}V{top:.1f}M{at - 3:.1f} {top:.1f}h6M{at - 3:.1f} {bottom:.1f}h6"
        self.parts.append(f'<path class="e s{series % COLOURS}" d="{path}"/>')

    def text(self, x: float, y: float, words: str, dx: float = 0, dy: float = 0, anchor: str = "start", style: str = "note") -> None:
        """Words at a point, moved by pixels."""
        left, top = self.place(x, y)
        self.parts.append(f'<text class="{style}" x="{left + dx:.1f}" y="{top + dy:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def svg(self) -> str:
        """The chart."""
        right, bottom = self.right, HEIGHT - BOTTOM
        axes = []
        for value in self.x.marks():
            at = self.place(value, self.y.low)[0]
            axes.append(f'<path class="grid" d="M{at:.1f} {TOP}V{bottom}"/>')
            axes.append(f'<text x="{at:.1f}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>')
        for value in self.y.marks():
            at = self.place(self.x.low, value)[1]
            axes.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{right}"/>')
            axes.append(f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
        axes.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
        middle = TOP + (bottom - TOP) / 2
        axes.append(f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 7}" text-anchor="middle">{escape(self.x.label)}</text>')
        turned = f'<text transform="translate(11 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(self.y.label)}</text>'
        return picture(self.alt, WIDTH, HEIGHT, "".join([*axes, turned, *self.parts]))


def picture(alt: str, width: float, height: float, inside: str, style: str = "") -> str:
    """An SVG with a description; it fills its column unless a style says otherwise."""
    given = f' style="{style}"' if style else ""
    return f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(alt)}"{given}>{inside}</svg>'
