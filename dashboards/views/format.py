"""Times, spans, distances and story lines as a page prints them, in one language and zone."""

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.live.patch import Share
from dashboards.masking import mask_name
from dashboards.texts import Words
from dashboards.views.alert import Line
from dashboards.views.sentences import fact_said, reasoned, sentence

RUNG = re.compile(r"^rung (\d+)(?:, again \((\d+)\))?$")
CONTACT = re.compile(r"^contact (\d+)$")
WAYS = frozenset(("desk", "link", "sms", "voice"))


class Formatter:
    """How values look to one visitor at one moment."""

    def __init__(
        self, words: Words, timezone: str, now: datetime, staff: Mapping[str, str]
    ) -> None:
        self._words = words
        self._zone = ZoneInfo(timezone)
        self.now = now
        self._staff = staff

    def values(self) -> dict[str, Any]:
        """Return what templates call these by."""
        return {
            "now": self.now,
            "clock": self.clock,
            "day": self.day,
            "elapsed": elapsed,
            "span": self.span,
            "distance": distance,
            "share": share,
            "ratio": ratio,
            "per_seat": lambda n, seats: f"{n / seats:.3g}",
            "seconds": self.seconds,
            "told": self.told,
            "sentence": lambda alert: sentence(alert, self._words, self.clock),
            "fact_said": lambda detail: fact_said(detail, self._words),
            "targets": self.targets,
            "staff_name": self.staff_name,
            "new_key": secrets.token_urlsafe,
        }

    def clock(self, at: datetime) -> str:
        """Return the time of day in the town, with the date where it is another day."""
        local = at.astimezone(self._zone)
        same = local.date() == self.now.astimezone(self._zone).date()
        return f"{local:%H:%M:%S}" if same else f"{local:%Y-%m-%d %H:%M}"

    def day(self, at: datetime) -> str:
        """Return date and minute in the town."""
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def span(self, length: timedelta) -> str:
        """Return a length of time in its two largest units."""
        seconds = max(0, int(length.total_seconds()))
        if seconds < 60:
            return self._words("span.s", s=seconds)
        if seconds < 3600:
            return self._words("span.m", m=seconds // 60)
        if seconds < 86_400:
            return self._words("span.h", h=seconds // 3600, m=seconds // 60 % 60)
        return self._words("span.d", d=seconds // 86_400, h=seconds // 3600 % 24)

    def seconds(self, length: float | None) -> str:
        """Return a length of time given in seconds; "-" where there is none."""
        return "–" if length is None else self.span(timedelta(seconds=length))

    def staff_name(self, person: str) -> str:
        """Return a person's name, masked."""
        return mask_name(self._staff.get(person, person))

    def targets(self, names: Iterable[str]) -> str:
        """Return whom a rung pages, in words: people by masked name, else "rota:night",
        "role:manager"."""
        return ", ".join(self._target(name) for name in names)

    def _target(self, name: str) -> str:
        what, _, who = name.partition(":")
        if what == "agency":
            return self._words("target.agency")
        if what == "rota" and who:
            return self._words("target.rota", name=who)
        if what != "role":
            return self.staff_name(name)
        role, _, level = who.partition("@")
        shown = self._words.word("role", role)
        return self._words("target.parent", role=shown) if level else shown

    def told(self, line: Line) -> str:
        """Return a story line's detail; what the engine writes by pattern is translated."""
        if line.found:
            return reasoned(line.found, self._words, self.clock)
        if rung := RUNG.match(line.detail):
            again = self._words("detail.again", n=int(rung[2])) if rung[2] else ""
            return self._words("detail.rung", n=int(rung[1])) + again
        if contact := CONTACT.match(line.detail):
            return self._words("detail.contact", n=int(contact[1]) + 1)
        if line.detail in WAYS:
            return self._words(f"via.{line.detail}")
        head, colon, note = line.detail.partition(":")
        if line.what == "resolved":
            return self._words.word("outcome", head) + colon + note
        return line.detail


def elapsed(length: timedelta) -> str:
    """Return m:ss, then h:mm:ss, as the wall's clock counts on."""
    seconds = max(0, int(length.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def distance(metres: float) -> str:
    """Return metres below a kilometre, else kilometres."""
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km"


def ratio(part: Share) -> str:
    """Return a share with both its numbers."""
    return f"{share(part.part / part.whole if part.whole else None)} ({part.part} / {part.whole})"


def share(part: float | None) -> str:
    """Return a share of 0 to 1 as a percentage; "-" of nothing."""
    return "–" if part is None else f"{part:.1%}"
