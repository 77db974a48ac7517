"""One person in two places sooner than travel allows.

Raises when a person was seen by two terminals, or by a terminal while carrying a phone elsewhere,
and to get from one to the other would need more than `km_per_hour`: somebody lends a card, or a
phone is not with its owner. Places are the homes of the terminals' facilities; their radii and the
phone's accuracy are taken off the distance. All ways of recognising a person count (face, palm,
finger, card, pin): each claims that the person is there, but for a face that the terminal took for
a photo: that shows where a picture was. Sightings without a time of their own or with a
quarantined clock say nothing, nor do phones that are vaguer than 100 m or mock, nor terminals whose
place the register does not hold.

A further conflict of the same person within a day of the last is `joined`. Nothing clears it: two
claims contradict each other, and a person has to find out which is wrong. The order in which the
sightings come does not matter; the last eight are set beside each other. The subject is the person.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Never

import msgspec

from alerts.rule import NO_TIMER, UNCHANGED, Keep, Rule, RuleState, Verdict
from alerts.rules.shared.sighting import person_seen, place_of
from alerts.town.geometry import metres
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Severity
from devices.readings import FaceSeen, Position

VAGUE = 100.0  # metres; a phone without an accuracy counts as vague as this; our choice
SAME_MATTER = timedelta(days=1)  # a conflict so soon after the last is joined; our choice
KEPT = 8  # sightings and fixes remembered a person, the youngest; our choice


class ConflictSettings(Parameters, frozen=True):
    """How fast anybody travels."""

    km_per_hour: float = 150  # faster than any road


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """Somebody is said to be at a place."""

    at: datetime
    device: str
    id: str
    lat: float
    lon: float
    around: float  # metres
    is_terminal: bool


class ConflictState(RuleState, frozen=True):
    """What is remembered of one person."""

    claims: tuple[Claim, ...] = ()  # by time
    last: datetime | None = None  # of the claims that conflicted, the youngest


class ConflictRule(Rule[ConflictState, ConflictSettings, FaceSeen | Position, Never]):
    name = "presence_conflict"
    severity = Severity.MEDIUM
    readings = (FaceSeen, Position)
    settings = ConflictSettings
    state = ConflictState

    def route_reading(self, reading: FaceSeen | Position, town: Town) -> Iterable[str]:
        if isinstance(reading, Position):
            return (town.subject_of(reading.device),)
        person = person_seen(reading, town)
        return (person,) if person is not None else ()

    def on_reading(
        self, key: str, state: ConflictState | None, reading: FaceSeen | Position, town: Town
    ) -> Verdict[ConflictState]:
        if state is None and not may_be_seen(key, reading):
            return UNCHANGED
        state, claim = state or ConflictState(), claim_of(reading, town)
        if claim is None or any(is_same(claim, kept) for kept in state.claims):
            return UNCHANGED
        limit = town.settings(self, key).km_per_hour
        against = next((kept for kept in state.claims if conflict(claim, kept, limit)), None)
        claims = tuple(sorted((*state.claims, claim), key=lambda c: (c.at, c.device)))[-KEPT:]
        after = ConflictState(claims, state.last)
        if against is None:
            return Keep(after, NO_TIMER)
        return self._conflict(key, after, against, claim, town)

    def _conflict(
        self, key: str, state: ConflictState, one: Claim, other: Claim, town: Town
    ) -> Keep[ConflictState]:
        """Return the verdict on two claims that contradict each other."""
        first, second = sorted((one, other), key=lambda claim: (claim.at, claim.device))
        joins = state.last is not None and abs(second.at - state.last) <= SAME_MATTER
        apart = metres(first.lat, first.lon, second.lat, second.lon)
        minutes = (second.at - first.at) / timedelta(minutes=1)
        found = self.finding(
            "joined" if joins else "raised",
            key,
            "two_terminals" if first.is_terminal and second.is_terminal else "phone_elsewhere",
            f"{key} at {first.device} and {minutes:.0f} min later at {second.device},"
            f" {apart / 1000:.1f} km away",
            town=town,
            evidence=tuple(
                Evidence(
                    what="sighting" if claim.is_terminal else "position",
                    at=claim.at,
                    device=claim.device,
                    id=claim.id,
                )
                for claim in (first, second)
            ),
        )
        last = second.at if state.last is None else max(state.last, second.at)
        return Keep(ConflictState(state.claims, last), NO_TIMER, (found,))


def may_be_seen(subject: str, reading: FaceSeen | Position) -> bool:
    """Return True if terminals see this subject; the phones of others are not remembered."""
    return isinstance(reading, FaceSeen) or subject.startswith("resident:")


def claim_of(reading: FaceSeen | Position, town: Town) -> Claim | None:
    """Return what a sighting or a fix says of a person's place; None if nothing sure."""
    if reading.observed_at is None or reading.clock == "quarantined":
        return None
    if isinstance(reading, FaceSeen):
        if reading.alive is False:
            return None
        place = place_of(reading.device, town)
        if place is None:
            return None
        spot = (place.lat, place.lon, place.radius)
        return Claim(reading.at, reading.device, reading.id, *spot, is_terminal=True)
    if reading.mock or (reading.accuracy or 0) > VAGUE:
        return None
    around = reading.accuracy or VAGUE
    return Claim(reading.at, reading.device, reading.id, reading.lat, reading.lon, around, False)


def is_same(one: Claim, other: Claim) -> bool:
    """Return True if two claims are one device's at one time."""
    return (one.at, one.device) == (other.at, other.device)


def conflict(one: Claim, other: Claim, km_per_hour: float) -> bool:
    """Return True if only more speed than this explains both; two claims of phones never do."""
    if not (one.is_terminal or other.is_terminal):
        return False
    apart = metres(one.lat, one.lon, other.lat, other.lon) - one.around - other.around
    return apart > abs(one.at - other.at).total_seconds() * km_per_hour / 3.6


PRESENCE_CONFLICT = ConflictRule()
