"""A forecast as a picture: an SVG that says at a glance what a lifecycle saves.

Two lines of monthly cost over twelve months, each labelled at its end with the cost, the storage and the images there,
and the difference between them. It needs no script and no font of its own.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from ecr_stack.errors import counted
from ecr_stack.operations.forecast import ASSUMPTIONS, Forecast, Level

__all__ = ["dollars", "headline", "picture", "stored"]

_WIDTH, _HEIGHT = 960, 580
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 700, 122, 440
_INK, _GREY, _FAINT = "#1f2933", "#616e7c", "#e4e7eb"
_WITHOUT, _WITH, _SAVED = "#c2410c", "#0f766e", "#fff4ec"
_LABEL = 66
"""The height of a label of three lines, and of some air."""
_LOWEST = _BOTTOM - 30
"""So far down labels go; below are those of the months."""
_CENT = 0.005
"""US dollars; less than half a cent is nothing."""


class _Style(NamedTuple):
    size: int
    colour: str = _INK
    weight: str = "400"
    anchor: str = "start"


def headline(found: Forecast, subject: str) -> str:
    """Say in one sentence what a lifecycle saves.

    Args:
        found: the forecast.
        subject: whose lifecycle it is, e.g. `The lifecycle of api-gateway`.
    """
    if found.saved >= _CENT:
        return f"{subject} saves {dollars(found.saved)} per month after a year"
    if found.saved <= -_CENT:
        return f"{subject} costs {dollars(-found.saved)} a month more after a year"
    return f"{subject} saves nothing in a year"


def dollars(amount: float) -> str:
    """Write US dollars: with cents below a hundred."""
    return f"${amount:,.2f}" if amount < 99.995 else f"${amount:,.0f}"


def stored(level: Level) -> str:
    """Write what is stored, e.g. `1.8 TB in 7,300 images`."""
    count = counted(level.images, "image")
    amount, unit = level.bytes / 1e9, "GB"
    if amount >= 999.5:
        amount, unit = amount / 1000, "TB"
    digits = 0 if amount >= 99.5 or amount == 0 else 1
    return f"{amount:,.{digits}f} {unit} in {count}"


def picture(found: Forecast, subject: str, detail: str) -> str:
    """Draw a forecast.

    Args:
        found: the forecast.
        subject: whose lifecycle it is, e.g. `The lifecycle of api-gateway`.
        detail: what is pushed, in one sentence.

    Returns:
        An SVG document of 960 × 580 units.
    """
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
            "font-family=\"system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif\" role=\"img\">",
            f"<title>{escape(headline(found, subject))}</title>",
            f"<desc>{escape(_described(found))}</desc>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            *_heading(headline(found, subject), detail),
            *_chart(found),
            *_footer(found),
            "</svg>",
            "",
        ]
    )


def _described(found: Forecast) -> str:
    last = found.last
    return (
        f"Monthly storage cost over twelve months. Without a lifecycle it goes from "
        f"{dollars(found.days[0].cost_of_everything)} to {dollars(last.cost_of_everything)} "
        f"({stored(last.everything)}); with it, to {dollars(last.cost)} ({stored(last.kept)})."
    )


def _heading(title: str, detail: str) -> Iterator[str]:
    size = 24 if len(title) <= 68 else 19
    y = 40.0
    for line in _wrapped(title, 68 if size == 24 else 88, 2):
        yield _text(24, y, line, _Style(size, weight="700"))
        y += size * 1.2
    for line in _wrapped(detail, 125, 2):
        yield _text(24, y, line, _Style(14, _GREY))
        y += 19


def _chart(found: Forecast) -> Iterator[str]:
    top = max(max(day.cost, day.cost_of_everything) for day in found.days)
    ticks = _ticks(top)

    def y_of(cost: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * cost / ticks[-1]

    def x_of(day: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * day / found.last.number

    yield _text(24, _TOP - 18, "Storage cost, US dollars per month", _Style(13, _GREY))
    cents = ticks[1] < 1
    for tick in ticks:
        y = y_of(tick)
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}" stroke="{_FAINT if tick else _GREY}"/>'
        label = f"${tick:,.2f}" if cents else f"${tick:,.4g}" if tick < 1000 else f"${tick:,.0f}"
        yield _text(_LEFT - 10, y + 4.5, label, _Style(13, _GREY, anchor="end"))
    for month in range(0, 13, 3):
        x = x_of(found.last.number * month / 12)
        yield f'<line x1="{x:.1f}" y1="{_BOTTOM}" x2="{x:.1f}" y2="{_BOTTOM + 6}" stroke="{_GREY}"/>'
        label = f"{month}" if month else "today"
        yield _text(x, _BOTTOM + 23, label, _Style(13, _GREY, anchor="middle"))
    yield _text((_LEFT + _RIGHT) / 2, _BOTTOM + 45, "months from today", _Style(13, _GREY, anchor="middle"))

    ours = [(x_of(day.number), y_of(day.cost)) for day in found.days]
    whole = [(x_of(day.number), y_of(day.cost_of_everything)) for day in found.days]
    yield f'<path d="{_path(whole)} L{_path(ours[::-1])[1:]} Z" fill="{_SAVED}"/>'
    for points, colour in ((whole, _WITHOUT), (ours, _WITH)):
        yield f'<path d="{_path(points)}" fill="none" stroke="{colour}" stroke-width="3" stroke-linejoin="round"/>'
        yield f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="5" fill="{colour}"/>'
    yield from _labels(found, whole[-1][1], ours[-1][1])


def _labels(found: Forecast, y_without: float, y_with: float) -> Iterator[str]:
    """Label both lines at their ends, so far apart that the labels do not meet."""
    last = found.last
    if abs(found.saved) < _CENT:
        yield from _label(min(y_with, _LOWEST), "With it and without", last.cost, last.kept, _INK)
        return
    lower = min(max(y_without, y_with, _TOP + _LABEL), _LOWEST)
    higher = min(y_without, y_with, lower - _LABEL)
    places = (higher, lower) if y_without < y_with else (lower, higher)
    yield from _label(places[0], "Without a lifecycle", last.cost_of_everything, last.everything, _WITHOUT)
    yield from _label(places[1], "With the lifecycle", last.cost, last.kept, _WITH)
    if lower - higher > 2.2 * _LABEL:
        verb = "saved" if found.saved > 0 else "more"
        middle = (higher + lower) / 2
        yield f'<path d="M{_RIGHT + 22} {higher + 42:.1f} V{lower - 28:.1f}" stroke="{_GREY}" stroke-dasharray="2 4"/>'
        yield _text(_RIGHT + 34, middle + 12, f"{dollars(abs(found.saved))} a month {verb}", _Style(14, weight="600"))


def _label(y: float, name: str, cost: float, level: Level, colour: str) -> Iterator[str]:
    yield _text(_RIGHT + 16, y - 12, name, _Style(14, colour, "600"))
    yield _text(_RIGHT + 16, y + 11, f"{dollars(cost)} a month", _Style(20, colour, "700"))
    yield _text(_RIGHT + 16, y + 30, stored(level), _Style(13, _GREY))


def _footer(found: Forecast) -> Iterator[str]:
    y = _BOTTOM + 70.0
    prices = f"Prices: {found.prices.summary}."
    for note in (*found.notes, " ".join(ASSUMPTIONS), prices):
        for line in _wrapped(note, 150, 2):
            yield _text(24, y, line, _Style(11, _GREY))
            y += 16


def _ticks(top: float) -> list[float]:
    """Round amounts from nothing to the top or a little more, four to six of them."""
    if top <= 0:
        return [0.0, 1.0]
    raw = top / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    return [step * number for number in range(math.ceil(top / step - 1e-9) + 1)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _text(x: float, y: float, text: str, style: _Style) -> str:
    anchor = "" if style.anchor == "start" else f' text-anchor="{style.anchor}"'
    weight = "" if style.weight == "400" else f' font-weight="{style.weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{style.size}" fill="{style.colour}"{weight}{anchor}>{escape(text)}</text>'


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    return textwrap.wrap(text, width, max_lines=lines, placeholder=" …")
