"""A backtest as one HTML page that needs nothing else: Chinese and English, plots as SVG."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import jinja2
import msgspec

from alerts.paging.texts import RULES
from alerts.trials.report import MINUTE, Summary
from alerts.types import Finding

TEMPLATES = Path(__file__).parent
SHOWN = 1000  # alarms and differences listed on the page
MOST = 240  # bars of the plot over time
# How long a bar may be; each divides the next, so that labels fall on bars.
STEPS = tuple(timedelta(minutes=n) for n in (1, 5, 15, 30, 60, 180, 360, 1440))
DAY = timedelta(days=1)
LABELS = 6  # below the plot over time
WIDTH, HEIGHT, FOOT = 960.0, 180.0, 18.0  # of a plot, in its own units
WORDS = {
    "ratings": {"manageable": "可承受", "demanding": "偏重", "overloaded": "过载"},
    "severities": {"life": "生命", "high": "高", "medium": "中", "low": "低"},
    "sides": {
        "only_tried": ("仅试用", "as tried only"),
        "only_live": ("仅实际", "live only"),
        "otherwise": ("有出入", "otherwise"),
    },
    "rules": {name: said["zh"] for name, said in RULES.items()},
}


class Bar(msgspec.Struct, frozen=True):
    """One bar; y grows downwards."""

    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


class Label(msgspec.Struct, frozen=True):
    x: float  # the middle of what it names
    text: str


class Plot(msgspec.Struct, frozen=True):
    """Bars side by side, the highest as high as the plot."""

    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    top: int  # what the highest bar counts
    numbered: bool  # the bars are wide enough to bear their numbers
    width: float = WIDTH
    height: float = HEIGHT


def page(summary: Summary, alarms: Sequence[Finding], lang: str = "zh") -> str:
    """Return the page of a backtest; `alarms` are its raised findings in order."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True
    )
    load = summary.alarm_load
    plots: dict[str, Plot] = {}
    if load is not None:
        plots = {
            "timeline": over_time([one.at for one in alarms], load.begin, load.end),
            "hours": plot({f"{h:02}": load.by_hour.get(f"{h:02}", 0) for h in range(24)}),
        }
    return environment.get_template("report_page.html.j2").render(
        load=load,
        was=summary.live_load,
        messages=summary.messages,
        live=summary.live,
        changes=list(changes_of(summary.settings)),
        alarms=alarms,
        plots=plots,
        lang=lang,
        minute=MINUTE,
        second=f"{MINUTE}:%S",
        shown=SHOWN,
        **WORDS,
    )


def changes_of(settings: Mapping[str, object]) -> Iterator[str]:
    """Yield what was on trial, a line each: sentences as they are, else rule by rule."""
    changes = settings.get("changes")
    if isinstance(changes, list):
        yield from (str(change) for change in changes)
        return
    for rule, table in settings.items():
        yield f"{rule}: {msgspec.json.encode(table, order='deterministic').decode()}"


def over_time(moments: Sequence[datetime], begin: datetime, end: datetime) -> Plot:
    """Return how many alarms fell into each part of a stretch of time, labelled at even moments."""
    step = next((one for one in STEPS if (end - begin) / one <= MOST), STEPS[-1])
    first = min((begin, *moments))
    start = first - (first - midnight(first)) % step
    counts = Counter(int((moment - start) / step) for moment in moments)
    bars = max(int((end - start) / step), *counts, 0) + 1
    days = -(-(end - begin) // (LABELS * DAY)) * DAY  # between labels, where hours are too near
    gap = next((one for one in STEPS if (end - begin) / one <= LABELS), days)
    phase = (midnight(start) - start) // step % (min(gap, DAY) // step)
    labelled = range(phase, bars, gap // step)
    return plot({f"{start + n * step:{MINUTE}}": counts[n] for n in range(bars)}, labelled=labelled)


def midnight(moment: datetime) -> datetime:
    """Return the day's beginning on the same clock."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def plot(counts: Mapping[str, int], *, labelled: Sequence[int] | None = None) -> Plot:
    """Return a bar for each count; the labels of all, or of those named, are written below."""
    if not counts:
        return Plot((), (), 0, numbered=False)
    top = max(1, *counts.values())
    wide = WIDTH / len(counts)
    bars = []
    for n, (label, value) in enumerate(counts.items()):
        height = round((HEIGHT - FOOT - 16) * value / top, 2)
        x, y = round(n * wide + wide * 0.1, 2), round(HEIGHT - FOOT - height, 2)
        bars.append(Bar(label, value, x, y, round(wide * 0.8, 2), height))
    shown = range(len(bars)) if labelled is None else labelled
    labels = tuple(Label(round(bars[n].x + bars[n].width / 2, 2), bars[n].label) for n in shown)
    return Plot(tuple(bars), labels, top, numbered=wide > 24)
