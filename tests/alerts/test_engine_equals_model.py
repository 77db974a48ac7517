"""Random towns, lateness, repeats and restarts: the engine agrees with the plain model, and any
order of the same readings ends in the same verdict."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import reference_model
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from story import HOME, Story, button, caregiver, client, door, moment, phone, visit

from alerts.types import Zone
from devices.directory import Circle, Device
from devices.readings import DoorMoved, Position, Reading, SosPressed, VisitMarked

pytestmark = pytest.mark.slow


MINUTE = timedelta(minutes=1)
START = moment("08:00")
SPOTS = (HOME, HOME.east(70), HOME.north(90), HOME.north(400), HOME.north(5_000))
CARD = ("sos_pressed", "geofence_breached", "visit_missed")
TAGS = ("tag-1", "tag-2")
ZONE = Zone(
    id="z-1",
    owner="client:c-1",
    rule="keep_in",
    circle=Circle(lat=HOME.lat, lon=HOME.lon, radius=200),
)

moments = st.integers(0, 48).map(lambda n: START + n * 5 * MINUTE)
delays = st.sampled_from((0, 0, 0, 1, 30, 400)).map(lambda n: n * MINUTE)
accuracies = st.sampled_from((5.0, 5.0, 30.0, 80.0, None, 0.0, 150.0, 500.0))
phones = st.sampled_from(("phone-g-1", "phone-g-2"))


@st.composite
def rounds(draw: st.DrawFn, device: str, longest: int) -> list[dict[str, Any]]:
    """A device that goes from place to place, is silent now and then, and sends late."""
    sent: list[dict[str, Any]] = []
    now = START + draw(st.integers(0, 8)) * 15 * MINUTE
    for _ in range(draw(st.integers(0, 6))):
        spot, delay, accuracy = draw(st.sampled_from(SPOTS)), draw(delays), draw(accuracies)
        mock, every = draw(st.integers(0, 11)) == 11, draw(st.sampled_from((1, 2, 4, 9, 9, 10)))
        for _ in range(draw(st.integers(1, longest))):
            place = {"lat": spot.lat, "lon": spot.lon, "accuracy": accuracy, "mock": mock}
            sent.append({"kind": Position, "device": device, "at": now, "delay": delay, **place})
            now += every * MINUTE
        now += draw(st.sampled_from((0, 0, 0, 5, 30))) * MINUTE
    return sent


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    common = {"at": draw(moments), "delay": draw(delays)}
    kind = draw(st.sampled_from((SosPressed, DoorMoved, VisitMarked)))
    if kind is SosPressed:
        press = draw(st.sampled_from(("short", "long", "test", "cancel")))
        return [
            dict(
                kind=kind, device=draw(st.sampled_from(("btn-c-1", "btn-x"))), press=press, **common
            )
        ]
    if kind is DoorMoved:
        return [dict(kind=kind, device="door-c-1", open=draw(st.booleans()), **common)]
    action = draw(st.sampled_from(("check_in", "check_out", "before")))
    return [
        dict(
            kind=kind,
            device=draw(phones),
            action=action,
            client=draw(st.sampled_from(("c-1", "c-2"))),
            **common,
        )
    ]


@st.composite
def days(draw: st.DrawFn) -> list[Reading]:
    """A day's readings in the order received, with repeats; one second apart at the least."""
    groups = [draw(rounds(phone, 12)) for phone in ("phone-g-1", "phone-g-2")]
    groups += [draw(rounds(tag, 3)) for tag in TAGS]
    groups += draw(st.lists(events(), max_size=8))
    sent = [event for group in groups for event in group]
    assume(sent)
    sent.sort(key=lambda event: event["at"] + event["delay"])
    repeats = draw(st.sets(st.integers(0, len(sent) - 1), max_size=3))
    heard: list[Reading] = []
    for n, event in enumerate(sent):
        fields = dict(event)
        kind, at, delay = fields.pop("kind"), fields.pop("at"), fields.pop("delay")
        received = max(at + delay, heard[-1].received_at) if heard else at + delay
        reading = kind(id=f"m-{n:03}", observed_at=at, received_at=received, **fields)
        heard += [reading] * (2 if n in repeats else 1)
    return heard


@st.composite
def towns(draw: st.DrawFn) -> tuple[Any, ...]:
    starts = st.integers(0, 8).map(lambda n: n * 15)

    def window(key: str, who: str, by: str | None) -> Any:
        begin = draw(starts)
        hours = draw(st.sampled_from((1, 2)))
        return visit(
            key,
            clock(60 + begin),
            clock(60 + begin + 60 * hours),
            draw(st.sampled_from((20, 45))),
            client=who,
            caregiver=by,
        )

    return (
        client("c-1"),
        client("c-2", HOME.east(70)),
        caregiver("g-1"),
        caregiver("g-2"),
        phone("g-1"),
        phone("g-2"),
        button("c-1"),
        door("c-1"),
        *(Device(id=tag, kind="phone", holder="client:c-1") for tag in TAGS),
        ZONE,
        window("v-1", "c-1", "g-1"),
        window("v-2", "c-2", draw(st.sampled_from(("g-1", "g-2", "g-3")))),
        window("v-3", "c-1", draw(st.sampled_from(("g-1", "g-2")))),
    )


def clock(minutes: int) -> str:
    return f"{8 + minutes // 60:02}:{minutes % 60:02}"


def ended(story: Story) -> Story:
    return story.at("+1 00:00")


def said_by(story: Story, rule: str) -> list[tuple[datetime, str, str, str]]:
    return [
        (
            found.at,
            (found.visit or "").partition("@")[0] or found.key or found.subject,
            found.event,
            found.reason,
        )
        for found in story.told
        if found.rule == rule
    ]


@settings(max_examples=150)
@given(towns(), days(), st.sets(st.integers(0, 60), max_size=3))
def test_the_engine_agrees_with_the_plain_model(
    town: Any, day: list[Reading], deaths: set[int]
) -> None:
    story = Story(*town, only=CARD)
    for n, reading in enumerate(day):
        if n in deaths:
            story.now = story.world.clock or story.now
            story.restart()
        story.says(reading)
    ended(story)
    town = story.world.town
    assert [
        (at, key, event, "") for at, key, event, _ in said_by(story, "sos_pressed")
    ] == reference_model.sos(day, town.subject_of)

    def fences(heard: list[Reading], now: datetime) -> dict[str, str]:
        return {"z-1": "left_zone"} if reference_model.breached(heard, ZONE, set(TAGS)) else {}

    assert [
        (at, key, event, "" if event == "cleared" else reason)
        for at, key, event, reason in said_by(story, "geofence_breached")
    ] == reference_model.told(day, [], fences)
    visits = reference_model.Visits(story.directory, list(story.plans.visits))
    expected = reference_model.told(day, visits.due(), visits.missed)
    assert [
        (at, key, event, "" if event == "cleared" else reason)
        for at, key, event, reason in sorted(said_by(story, "visit_missed"))
    ] == sorted(expected)


@settings(max_examples=100)
@given(towns(), days(), st.randoms())
def test_any_order_ends_in_the_same_verdict(town: Any, day: list[Reading], chance: Any) -> None:
    now = moment("20:00")
    late = [replaced(reading, now) for reading in day]
    shuffled = [*late, *late[:5]]
    chance.shuffle(shuffled)
    assert verdict(town, late) == verdict(town, shuffled)


def verdict(town: Any, readings: list[Reading]) -> tuple[Any, ...]:
    """What stands at the end: the records, and what is open by rule and key."""
    story = Story(*town)
    for reading in readings:
        story.says(reading)
    ended(story)
    standing: dict[tuple[str, str, str], str] = {}
    for found in story.told:
        if found.rule in ORDERLESS:
            name = (found.rule, found.subject, found.key)
            standing.pop(name, None) if found.event == "cleared" else standing.update(
                {name: found.reason}
            )
    records = {
        key: (r.state, r.grade, r.began, r.ended, r.came, r.present, r.evidence, r.reason)
        for key, r in story.records.items()
    }
    return records, standing


ORDERLESS = {"geofence_breached", "visit_missed", "visit_late", "visit_short", "visit_unended"}


def replaced(reading: Reading, received: datetime) -> Reading:
    fields = {name: getattr(reading, name) for name in reading.__struct_fields__}
    return type(reading)(**{**fields, "received_at": received})
