"""Names that must be unique, and names that must exist."""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from alerts.plans.plans import SECTIONS as PLAN_SECTIONS
from alerts.types import Role
from core.errors import CarewatchError
from core.refusal import near
from deploy.town.draft import Draft
from deploy.town.marked import line_of
from deploy.town.typed import Wrong
from devices.directory import SECTION_OF, SECTIONS
from devices.names import DEVICE_ID, is_reserved, is_reserved_topic, reserved_fault
from devices.subject import HOLDERS, Kind, Subject

ID = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")
SUBJECTS: tuple[Kind, ...] = (*HOLDERS, "device", "gateway", "area")  # that rules speak of
ROLES: tuple[str, ...] = get_args(Role)
FEW = 200  # names among which a near match is looked for

# section, field, the section that the field's id (or ids) must be found in
REFERENCES = (
    ("areas", "parent", "areas"),
    ("clients", "area", "areas"),
    ("clients", "agency", "agencies"),
    ("caregivers", "agency", "agencies"),
    ("facilities", "area", "areas"),
    ("facilities", "agency", "agencies"),
    ("residents", "facility", "facilities"),
    ("devices", "gateway", "devices"),
    ("visits", "client", "clients"),
    ("visits", "caregiver", "caregivers"),
    ("people", "areas", "areas"),
    ("people", "agency", "agencies"),
    ("people", "caregiver", "caregivers"),
    ("rotas", "people", "people"),
    ("rules_for", "area", "areas"),
    ("rules_for", "agency", "agencies"),
    ("conditions", "area", "areas"),
    ("conditions", "agency", "agencies"),
)


def reference_faults(draft: Draft) -> Iterator[Wrong]:
    """Yield ids and topics given twice, references to nothing, and references in a circle."""
    for section in (*SECTIONS, *PLAN_SECTIONS):
        yield from _ids(draft, section)
    yield from _kept_for_services(draft)
    yield from _twice(draft, "devices", "topic", lambda device: device.topic)
    yield from _twice(draft, "people", "caregiver", lambda person: person.caregiver)
    yield from _twice(draft, "residents", "face", lambda r: r.face and (r.facility, r.face))
    names = {section: _names(draft, section) for section in (*SECTIONS, *PLAN_SECTIONS)}
    for section, field, target in REFERENCES:
        for number, item in draft[section].items():
            yield from _dangling(getattr(item, field), target, names, (section, number, field))
    yield from _subjects(draft, names)
    for number, rota in draft["rotas"].items():
        for n, swap in enumerate(rota.swaps):
            path = ("rotas", number, "swaps", n, "person")
            yield from _dangling(swap.person, "people", names, path)
    for number, ladder in draft["ladders"].items():
        yield from _ladder(ladder, names, ("ladders", number))
    yield from _cycles(draft, "areas", "parent", "areas contain themselves")
    yield from _cycles(draft, "devices", "gateway", "devices speak through themselves")


Names = dict[str, frozenset[str]]


def _names(draft: Draft, section: str) -> frozenset[str]:
    """Return all ids a section means to have, also those of items that are faulty in
    another way."""
    found = (row.get("id") for row in draft.rows(section) if isinstance(row, dict))
    return frozenset(key for key in found if isinstance(key, str))


def _ids(draft: Draft, section: str) -> Iterator[Wrong]:
    form = DEVICE_ID if section == "devices" else ID
    for number, item in draft[section].items():
        if item.id is not None and not form.fullmatch(item.id):
            yield (
                (section, number, "id"),
                f"{item.id!r} can't be an id: no spaces, at most 128 characters"
                + (", none of / + #" if section == "devices" else ""),
            )
    yield from _twice(draft, section, "id", lambda item: item.id)


def _kept_for_services(draft: Draft) -> Iterator[Wrong]:
    for number, device in draft["devices"].items():
        if device.id is not None and is_reserved(device.id):
            yield ("devices", number, "id"), reserved_fault(device.id)
        if device.topic is not None and is_reserved_topic(device.topic):
            yield ("devices", number, "topic"), f"{device.topic!r} is kept for services"


def _twice(
    draft: Draft, section: str, field: str, key_of: Callable[[Any], object]
) -> Iterator[Wrong]:
    first: dict[object, int] = {}
    for number, item in draft[section].items():
        key = key_of(item)
        if key is None:
            continue
        if key in first:
            line = line_of(draft.tree, (section, first[key], field))
            shown = key[-1] if isinstance(key, tuple) else key
            yield (section, number, field), f"{field} {shown!r} is taken (line {line})"
        else:
            first[key] = number


def _dangling(
    given: str | tuple[str, ...] | None, target: str, names: Names, path: tuple[str | int, ...]
) -> Iterator[Wrong]:
    if given is None:
        return
    single = isinstance(given, str)
    for n, key in enumerate((given,) if isinstance(given, str) else given):
        if key not in names[target]:
            yield (
                path if single else (*path, n),
                f"no {key!r} in {target}{_hint(key, names[target])}",
            )


def _subjects(draft: Draft, names: Names) -> Iterator[Wrong]:
    for number, device in draft["devices"].items():
        yield from _subject(device.holder, HOLDERS, names, ("devices", number, "holder"))
    for number, zone in draft["zones"].items():
        yield from _subject(zone.owner, HOLDERS, names, ("zones", number, "owner"))
    for number, scope in draft["rules_for"].items():
        yield from _subject(scope.subject, SUBJECTS, names, ("rules_for", number, "subject"))
    for number, condition in draft["conditions"].items():
        yield from _subject(condition.subject, SUBJECTS, names, ("conditions", number, "subject"))


def _subject(
    text: str | None, kinds: tuple[Kind, ...], names: Names, path: tuple[str | int, ...]
) -> Iterator[Wrong]:
    if text is None:
        return
    try:
        subject = Subject.parse(text, kinds)
    except CarewatchError as wrong:
        yield path, str(wrong)
    else:
        yield from _dangling(subject.id, SECTION_OF[subject.kind], names, path)


def _ladder(ladder: Any, names: Names, path: tuple[str | int, ...]) -> Iterator[Wrong]:
    yield from _dangling(ladder.for_.areas, "areas", names, (*path, "for", "areas"))
    yield from _dangling(ladder.for_.agencies, "agencies", names, (*path, "for", "agencies"))
    for n, rung in enumerate(ladder.rungs):
        for m, target in enumerate(rung.page):
            yield from _target(target, names, (*path, "rungs", n, "page", m))


def _target(target: str, names: Names, path: tuple[str | int, ...]) -> Iterator[Wrong]:
    """Yield a rung's target: a person, rota:ID, role:NAME, role:NAME@parent or agency."""
    what, colon, rest = target.partition(":")
    if target == "agency":
        return
    if what == "rota" and colon:
        yield from _dangling(rest, "rotas", names, path)
    elif what == "role" and colon:
        if rest.removesuffix("@parent") not in ROLES:
            yield path, f"{target!r}: a role is one of {', '.join(ROLES)}, with @parent or without"
    elif target not in names["people"]:
        yield (
            path,
            f"nobody is called {target!r}{_hint(target, names['people'])};"
            " write a person's id, rota:ID, role:NAME, role:NAME@parent or agency",
        )


def _cycles(draft: Draft, section: str, field: str, fault: str) -> Iterator[Wrong]:
    """Yield one fault a cycle, at the item of it that stands last in the file."""
    above = {item.id: getattr(item, field) for item in draft[section].values()}
    numbers = {item.id: number for number, item in draft[section].items()}
    done: set[str] = set()
    for start in above:
        path: list[str] = []
        at: str | None = start
        while at is not None and at in above and at not in done and at not in path:
            path.append(at)
            at = above[at]
        if at in path:
            ring = path[path.index(at) :]
            last = max(numbers[key] for key in ring)
            yield (section, last, field), f"{fault}: {' > '.join([*ring, at])}"
        done.update(path)


def _hint(key: str, names: frozenset[str]) -> str:
    close = near(key, tuple(sorted(names))) if len(names) <= FEW else ""
    return f"; {close}" if close.startswith("did") else ""
