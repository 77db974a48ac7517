"""A backtest as one HTML page that needs nothing else: Chinese and English, plots as SVG."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import jinja2
import msgspec

from alerts.trial.report import MINUTE, Summary
from alerts.types import Finding

TEMPLATES = Path(__file__).parent
SHOWN = 1000  # alarms and differences listed on the page
COLUMNS = 240  # of the plot over time
WIDTH, HEIGHT, FOOT = 960.0, 180.0, 18.0  # of a plot, in its own units
WORDS = {
    "ratings": {"manageable": "可承受", "demanding": "偏重", "overloaded": "过载"},
    "severities": {"life": "生命", "high": "高", "medium": "中", "low": "低"},
    "sides": {"only_tried": "仅试用", "only_live": "仅实际", "otherwise": "不同"},
}


class Bar(msgspec.Struct, frozen=True):
    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


class Tick(msgspec.Struct, frozen=True):
    x: float
    label: str


class Plot(msgspec.Struct, frozen=True):
    """Bars side by side, the highest as high as the plot."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    top: int  # what the highest bar counts
    width: float = WIDTH
    height: float = HEIGHT


def page(summary: Summary, alarms: Sequence[Finding], lang: str = "zh") -> str:
    """The page of a backtest; `alarms` are its raised findings in order."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True
    )
    load = summary.alarm_load
    plots: dict[str, Plot] = {}
    if load is not None:
        plots = {
            "timeline": plot(over_time([one.at for one in alarms], load.begin, load.end), ticks=6),
            "hours": plot({f"{h:02}": load.by_hour.get(f"{h:02}", 0) for h in range(24)}, ticks=24),
            "rules": plot(load.by_rule, ticks=8),
            "areas": plot({area or "-": n for area, n in load.by_area.items()}, ticks=8),
        }
    return environment.get_template("backtest.html.j2").render(
        load=load,
        messages=summary.messages,
        live=summary.live,
        settings=msgspec.json.encode(summary.settings).decode() if summary.settings else "",
        alarms=alarms,
        plots=plots,
        lang=lang,
        minute=MINUTE,
        second=f"{MINUTE}:%S",
        shown=SHOWN,
        **WORDS,
    )


def over_time(moments: Sequence[datetime], begin: datetime, end: datetime) -> dict[str, int]:
    """How many alarms fell into each of the equal parts of a stretch of time."""
    step = max((end - begin) / COLUMNS, timedelta(minutes=1))
    counts = Counter(int((moment - begin) / step) for moment in moments)
    first = min((0, *counts))
    last = max((int((end - begin) / step), *counts))
    return {f"{begin + n * step:{MINUTE}}": counts[n] for n in range(first, last + 1)}


def plot(counts: Mapping[str, int], *, ticks: int) -> Plot:
    """A bar for each count, with so many of the labels written below."""
    if not counts:
        return Plot((), (), 0)
    top = max(1, *counts.values())
    wide = WIDTH / len(counts)
    bars = []
    for n, (label, value) in enumerate(counts.items()):
        height = round((HEIGHT - FOOT - 16) * value / top, 2)
        x, y = round(n * wide + wide * 0.1, 2), round(HEIGHT - FOOT - height, 2)
        bars.append(Bar(label, value, x, y, round(wide * 0.8, 2), height))
    every = -(-len(bars) // ticks)
    return Plot(tuple(bars), tuple(Tick(bar.x, bar.label) for bar in bars[::every]), top)
