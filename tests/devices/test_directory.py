"""`Shelf` and `Directory.changed` against plain dictionaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.shelf import Shelf
from devices.directory import (
    Agency,
    Area,
    Caregiver,
    Circle,
    Client,
    Device,
    Directory,
    Facility,
    RegisterChange,
    Resident,
)
from devices.subject import Subject

KEYS = st.sampled_from([f"k{n}" for n in range(8)])
STEPS = st.lists(st.dictionaries(KEYS, st.none() | st.integers(0, 9), max_size=6), max_size=12)


@given(
    base=st.dictionaries(st.integers(0, 400).map(str), st.integers(0, 9), max_size=400),
    steps=STEPS,
)
def test_a_shelf_is_a_dictionary_that_never_changes(
    base: dict[str, int], steps: list[dict[str, int | None]]
) -> None:
    shelf, model = Shelf[int]().changed(base), dict(base)
    for step in steps:
        before, was = shelf, dict(model)
        shelf = shelf.changed(step)
        for key, value in step.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        assert sorted(before) == sorted(was.values())  # the old snapshot is as it was
        assert sorted(shelf) == sorted(model.values())
        assert len(shelf) == len(model)
        assert all(shelf.get(key) == model.get(key) for key in {*model, *step})
        assert all((key in shelf) == (key in model) for key in {*model, *step})


IDS = st.sampled_from([f"d{n}" for n in range(6)])
HOLDERS = st.none() | st.sampled_from(["client:c1", "client:c2"])


@st.composite
def device_changes(draw: st.DrawFn) -> RegisterChange:
    """Some devices put in, each on its own topic or none, and some taken out."""
    ids = draw(st.lists(IDS, unique=True))
    devices = tuple(
        Device(
            id=key,
            holder=draw(HOLDERS),
            topic=draw(st.none() | st.sampled_from([f"t/{key}", f"u/{key}"])),
        )
        for key in ids
    )
    gone = tuple(key for key in draw(st.lists(IDS, unique=True)) if key not in ids)
    return RegisterChange(devices=devices, removed={"devices": gone} if gone else {})


@given(changes=st.lists(device_changes(), max_size=10))
def test_devices_are_found_by_id_topic_and_holder(changes: list[RegisterChange]) -> None:
    directory, model = Directory(), dict[str, Device]()
    for change in changes:
        directory = directory.changed(change)
        for key in change.removed.get("devices", ()):
            model.pop(key, None)
        model |= {device.id: device for device in change.devices}
        by_topic = {device.topic: device for device in model.values() if device.topic}
        for key in (f"{letter}/d{n}" for letter in "tu" for n in range(6)):
            assert directory.device_on(key) == by_topic.get(key)
        for holder in ("client:c1", "client:c2"):
            held = {device.id for device in model.values() if device.holder == holder}
            assert {device.id for device in directory.held_by(Subject.parse(holder))} == held
        assert {device.id for device in directory.devices} == set(model)


CODES = st.none() | st.sampled_from(["1", "2", "3"])


@given(
    changes=st.lists(
        st.dictionaries(st.sampled_from(["r1", "r2"]), st.tuples(st.sampled_from("fg"), CODES)),
        max_size=6,
    )
)
def test_residents_are_found_by_their_face(
    changes: list[dict[str, tuple[str, str | None]]],
) -> None:
    directory, model = Directory(), dict[str, Resident]()
    for change in changes:
        residents = tuple(
            Resident(id=key, facility=facility, face=code and f"{key}-{code}")
            for key, (facility, code) in change.items()
        )
        directory = directory.changed(RegisterChange(residents=residents))
        model |= {resident.id: resident for resident in residents}
        for facility in "fg":
            for code in (f"{key}-{n}" for key in ("r1", "r2") for n in "123"):
                found = [r for r in model.values() if (r.facility, r.face) == (facility, code)]
                assert directory.resident_by_face(facility, code) == next(iter(found), None)
        for code in (f"{key}-{n}" for key in ("r1", "r2") for n in "123"):
            known = [resident for resident in model.values() if resident.face == code]
            assert list(directory.residents_by_face(code)) == known


def test_a_topic_may_move_from_one_device_to_another_in_one_change() -> None:
    first = Directory().changed(
        RegisterChange(devices=(Device(id="a", topic="x"), Device(id="b", topic="y")))
    )
    swapped = first.changed(
        RegisterChange(devices=(Device(id="a", topic="y"), Device(id="b", topic="x")))
    )
    found = [swapped.device_on(topic) for topic in ("x", "y")]
    assert [device and device.id for device in found] == ["b", "a"]
    assert first.device_on("x") == Device(id="a", topic="x")


def test_areas_upwards_even_round_a_cycle() -> None:
    areas = (Area(id="a", parent="b"), Area(id="b", parent="c"), Area(id="c", parent="a"))
    directory = Directory().changed(
        RegisterChange(areas=areas, clients=(Client(id="c-1", area="a"),))
    )
    assert directory.area_path(directory.area_of(Subject("client", "c-1"))) == ("a", "b", "c")


def test_what_speaks_through_a_gateway() -> None:
    hub = Device(id="hub", gateway="uplink", holder="client:c-1")
    door, far = Device(id="door", gateway="hub"), Device(id="far", gateway="hub")
    first = Directory().changed(RegisterChange(devices=(Device(id="uplink"), hub, door, far)))
    assert (first.behind("hub"), first.behind("uplink")) == (("door", "far"), ("hub",))
    assert first.gateways_of("door") == ("hub", "uplink")
    assert first.gateways_of("uplink") == ()
    moved = Device(id="door", gateway="uplink")
    change = RegisterChange(devices=(moved,), removed={"devices": ("far",)})
    assert first.changed(change).behind("hub") == ()
    assert first.changed(change).behind("uplink") == ("hub", "door")
    assert first.behind("hub") == ("door", "far")


def test_a_gateways_area_holds_all_that_speaks_through_it() -> None:
    areas = (Area(id="town"), Area(id="east", parent="town"), Area(id="west", parent="town"))
    clients = (Client(id="c-1", area="east"), Client(id="c-2", area="west"))
    hub = Device(id="hub", kind="sensor")
    one = Device(id="one", gateway="hub", holder="client:c-1")
    two = Device(id="two", gateway="hub", holder="client:c-2")
    town = Directory().changed(RegisterChange(areas=areas, clients=clients, devices=(hub, one)))
    assert town.area_of(Subject("gateway", "hub")) == "east"
    assert town.changed(RegisterChange(devices=(two,))).area_of(Subject("gateway", "hub")) == "town"
    assert town.area_of(Subject("gateway", "nobody")) is None


HOME, HALL = Circle(lat=35.0, lon=115.0), Circle(lat=36.0, lon=116.0)
TOWN = Directory().changed(
    RegisterChange(
        areas=(Area(id="east", name="East"), Area(id="west")),
        agencies=(Agency(id="a-1", name="Care & Co"), Agency(id="a-2")),
        clients=(Client(id="c-1", name="王淑兰", area="east", home=HOME, agency="a-1"),),
        caregivers=(Caregiver(id="g-1", name="李敏", agency="a-2", base=HOME),),
        facilities=(Facility(id="f-1", name="Sunset", area="west", home=HALL, agency="a-1"),),
        residents=(Resident(id="r-1", name="张伟", facility="f-1"),),
        devices=(
            Device(id="door", holder="client:c-1"),
            Device(id="phone", holder="caregiver:g-1"),
            Device(id="wristband", holder="resident:r-1"),
            Device(id="loose"),
        ),
    )
)


@pytest.mark.parametrize(
    ("text", "name", "home", "area", "agency"),
    [
        ("client:c-1", "王淑兰", HOME, "east", "a-1"),
        ("caregiver:g-1", "李敏", None, None, "a-2"),
        ("facility:f-1", "Sunset", HALL, "west", "a-1"),
        ("resident:r-1", "张伟", HALL, "west", "a-1"),
        ("device:door", "", HOME, "east", "a-1"),
        ("device:phone", "", None, None, "a-2"),
        ("device:wristband", "", HALL, "west", "a-1"),
        ("device:loose", "", None, None, None),
        ("gateway:door", "", HOME, "east", "a-1"),
        ("area:east", "East", None, "east", None),
        ("agency:a-1", "Care & Co", None, None, "a-1"),
        ("client:nobody", "", None, None, None),
        ("device:nothing", "", None, None, None),
        ("resident:nobody", "", None, None, None),
    ],
)
def test_name_home_area_and_agency_of_a_subject(
    text: str, name: str, home: Circle | None, area: str | None, agency: str | None
) -> None:
    subject = Subject.parse(text)
    found = (TOWN.name_of(subject), TOWN.home_of(subject), TOWN.area_of(subject))
    assert found == (name, home, area)
    assert TOWN.agency_of(subject) == agency


def test_nothing_is_known_of_no_subject() -> None:
    found = (TOWN.item_of(None), TOWN.home_of(None), TOWN.area_of(None), TOWN.agency_of(None))
    assert found == (None, None, None, None)
    assert TOWN.name_of(None) == ""


def test_a_device_belongs_to_the_client_who_holds_it() -> None:
    client = TOWN.clients.get("c-1")
    assert TOWN.client_of(Subject("device", "door")) == client
    assert TOWN.client_of(Subject("client", "c-1")) == client
    assert TOWN.client_of(Subject("device", "phone")) is None


def test_a_devices_readings_are_about_its_holder_or_itself() -> None:
    found = [device.subject for device in TOWN.devices if device.id in ("door", "loose")]
    assert found == [Subject("client", "c-1"), Subject("device", "loose")]
