"""One person in two places sooner than travel allows.

Raises when a person was seen by two terminals, or by a terminal while carrying a phone elsewhere,
and the way between would need more than `km_per_hour`: somebody lends a card, a photo fools a
terminal, or a phone is not with its owner. Places are the homes of the terminals' facilities;
their radii and the phone's accuracy are taken off the distance. All ways of recognising a person
count (face, palm, finger, card, pin): each claims that the person is there. Sightings without a
time of their own or with a quarantined clock say nothing, nor do phones that are vaguer than 100 m
or mock, nor terminals whose place the register does not hold.

A further conflict of the same person within a day of the last is `joined`. Nothing clears it: two
claims contradict each other, and a person has to find out which is wrong. The order in which the
sightings come does not matter; the last eight are set beside each other. The subject is the person.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.rule import Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.rules.shared.sighting import person_seen, place_of
from alerts.town.geometry import metres
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Severity, Stored
from devices.readings import FaceSeen, Position, Reading

VAGUE = 100.0  # metres; a phone without an accuracy counts as vague as this
SAME_MATTER = timedelta(days=1)
KEPT = 8  # sightings and fixes remembered a person, the youngest


class ConflictSettings(Parameters, frozen=True):
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
    claims: tuple[Claim, ...] = ()  # by time
    last: datetime | None = None  # of the claims that conflicted, the youngest


class ConflictRule(Rule[ConflictState, ConflictSettings]):
    name = "presence_conflict"
    severity = Severity.MEDIUM
    wants = (FaceSeen, Position)
    settings = ConflictSettings
    state = ConflictState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if isinstance(said, Position):
            return (town.subject_of(said.device),)
        if not isinstance(said, FaceSeen):
            return ()
        person = person_seen(said, town)
        return (person,) if person is not None else ()

    def step(self, key: str, state: ConflictState | None, felt: Felt, town: Town) -> Verdict | None:
        if not isinstance(felt, Stored) or (state is None and not may_be_seen(key, felt.reading)):
            return None
        state, claim = state or ConflictState(), claim_of(felt.reading, town)
        if claim is None or any(is_same(claim, kept) for kept in state.claims):
            return None
        limit = town.settings(self, key).km_per_hour
        against = next((kept for kept in state.claims if conflict(claim, kept, limit)), None)
        claims = tuple(sorted((*state.claims, claim), key=lambda c: (c.at, c.device)))[-KEPT:]
        if against is None:
            return Verdict(ConflictState(claims, state.last))
        return self._conflict(key, ConflictState(claims, state.last), against, claim, town)

    def _conflict(
        self, key: str, state: ConflictState, one: Claim, other: Claim, town: Town
    ) -> Verdict:
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
        return Verdict(ConflictState(state.claims, last), (found,))


def may_be_seen(subject: str, said: Reading) -> bool:
    """Is this somebody whom terminals see? Phones of others are not remembered."""
    return isinstance(said, FaceSeen) or subject.startswith("resident:")


def claim_of(said: Reading, town: Town) -> Claim | None:
    """What a sighting or a fix says of a person's place; None: nothing sure."""
    if said.observed_at is None or said.clock == "quarantined":
        return None
    if isinstance(said, FaceSeen):
        place = place_of(said.device, town)
        if place is None:
            return None
        return Claim(said.at, said.device, said.id, place.lat, place.lon, place.radius, True)
    if not isinstance(said, Position) or said.mock or (said.accuracy or 0) > VAGUE:
        return None
    around = said.accuracy or VAGUE
    return Claim(said.at, said.device, said.id, said.lat, said.lon, around, False)


def is_same(one: Claim, other: Claim) -> bool:
    return (one.at, one.device) == (other.at, other.device)


def conflict(one: Claim, other: Claim, km_per_hour: float) -> bool:
    """Would it take more speed than this to be at both? A phone against itself is no conflict."""
    if not (one.is_terminal or other.is_terminal):
        return False
    apart = metres(one.lat, one.lon, other.lat, other.lon) - one.around - other.around
    return apart > abs(one.at - other.at).total_seconds() * km_per_hour / 3.6


PRESENCE_CONFLICT = ConflictRule()
