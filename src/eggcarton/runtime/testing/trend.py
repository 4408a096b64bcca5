"""Draws what runs have covered over time, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any
from xml.sax.saxutils import escape

from .history import printable

_WIDTH, _HEIGHT = 800, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 40
# Readable on a light page and on a dark one, whichever the reader's is.
_STYLE = """
    text { font: 12px sans-serif; fill: #333 }
    .grid { stroke: #ccc; stroke-width: 1 }
    .line { stroke: #0a6; stroke-width: 2; fill: none; stroke-linejoin: round }
    .point { fill: #0a6 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #16181c } text { fill: #ddd } .grid { stroke: #444 } .line { stroke: #3d9 } .point { fill: #3d9 }
    }
    @media (prefers-color-scheme: light) { .page { fill: #fff } }
"""
# More points than this are a line without.
_MOST_POINTS = 100


def drawn(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return a picture of at least one run: percent over time, by their dates."""
    times = [_time(run["date"]) for run in runs]
    totals = [float(run["total"]) for run in runs]
    least = max(0.0, min(totals) - 1) // 5 * 5
    first, last = min(times), max(times)

    def x(time: float) -> float:
        share = (time - first) / (last - first) if last > first else 0.5
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(total: float) -> float:
        return _HEIGHT - _BOTTOM - (total - least) / (100 - least) * (_HEIGHT - _TOP - _BOTTOM)

    places = sorted(zip(times, totals, runs, strict=True), key=lambda place: place[0])
    words = [f"{x(time):.1f},{y(total):.1f}" for time, total, _ in places]
    parts = [f'<polyline class="line" points="{" ".join(words)}"/>']
    if len(places) <= _MOST_POINTS:
        for time, total, run in places:
            revision = printable(run.get("revision") or "no revision")
            title = escape(f"{run['date']}: {int(total * 100) / 100:g} %, {revision}")
            place = f'cx="{x(time):.1f}" cy="{y(total):.1f}" r="3"'
            parts.append(f'<circle class="point" {place}><title>{title}</title></circle>')
    return _page([*_grid(least, y), *_dates(places[0][2], places[-1][2]), *parts], totals, len(runs))


def _time(date: str) -> float:
    return datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()


def _grid(least: float, y: Any) -> list[str]:
    lines = []
    for number in range(5):
        total = least + (100 - least) * number / 4
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(total):.1f}" y2="{y(total):.1f}"/>'
        )
        lines.append(f'<text x="{_LEFT - 8}" y="{y(total) + 4:.1f}" text-anchor="end">{total:g} %</text>')
    return lines


def _dates(first: Mapping[str, Any], last: Mapping[str, Any]) -> list[str]:
    days = [escape(str(run["date"])[:10]) for run in (first, last)]
    at = f'y="{_HEIGHT - 14}"'
    if days[0] == days[1]:
        return [f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" {at} text-anchor="middle">{days[0]}</text>']
    return [
        f'<text x="{_LEFT}" {at}>{days[0]}</text>',
        f'<text x="{_WIDTH - _RIGHT}" {at} text-anchor="end">{days[1]}</text>',
    ]


def _page(parts: Sequence[str], totals: Sequence[float], number: int) -> str:
    told = f"Coverage: {int(totals[-1] * 100) / 100:g} % in the last of {number} runs"
    body = "\n".join(f"  {part}" for part in parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{told}">\n'
        f"  <title>{told}</title>\n  <style>{_STYLE}  </style>\n"
        f'  <rect class="page" width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n{body}\n</svg>\n'
    )
