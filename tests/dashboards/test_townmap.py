"""The map's geometry, and what it must not give away."""

import msgspec
from small_town import directory

from dashboards.live.subjects import about
from dashboards.live.townmap import COLUMNS, town_map
from dashboards.masking import mask_name
from dashboards.scope import WHOLE, Scope
from devices.directory import Area, Circle, Client, Directory, RegisterChange
from devices.subject import Subject


def test_areas_are_drawn_as_given_or_around_their_homes() -> None:
    found = {area.id: area for area in town_map(directory(), WHOLE).areas}
    assert found["mudan"].given
    assert found["mudan"].rings[0][0] == (115.4, 35.2)
    assert not found["wangji"].given
    assert [area.id for area in town_map(directory(), WHOLE).areas].index("mudan") < 2


def test_homes_are_counts_in_cells_and_nobody_can_be_read_out_of_them() -> None:
    found = town_map(directory(), WHOLE)
    assert sum(n for _, _, n in found.homes) == 3
    assert b"c-1" not in msgspec.json.encode(found)


def test_a_scope_draws_its_own_areas() -> None:
    found = town_map(directory(), Scope(areas=("wangji",)))
    assert [area.id for area in found.areas] == ["wangji"]
    assert sum(n for _, _, n in found.homes) == 2


def test_the_version_changes_with_the_geometry() -> None:
    before = directory()
    moved = before.changed(
        RegisterChange(clients=(Client(id="c-9", area="wangji", home=Circle(lat=35.3, lon=115.5)),))
    )
    assert town_map(before, WHOLE).version == town_map(before, WHOLE).version
    assert town_map(before, WHOLE).version != town_map(moved, WHOLE).version


def test_an_empty_town_and_a_broken_outline_draw_nothing() -> None:
    assert town_map(Directory(), WHOLE).bounds is None
    odd = Directory().changed(RegisterChange(areas=(Area(id="x", boundary={"type": "Circle"}),)))
    assert town_map(odd, WHOLE).areas == ()


def test_a_city_of_37100_homes_fits_into_cells() -> None:
    clients = tuple(
        Client(id=f"c-{n}", area="a", home=Circle(lat=35 + n % 200 / 300, lon=115 + n // 200 / 200))
        for n in range(37_100)
    )
    found = town_map(Directory().changed(RegisterChange(clients=clients)), WHOLE)
    assert sum(n for _, _, n in found.homes) == 37_100
    assert max(column for column, _, _ in found.homes) < COLUMNS
    assert len(msgspec.json.encode(found)) < 400_000


def test_subjects_are_followed_to_the_person_they_are_about() -> None:
    town = directory()
    assert about(town, Subject.parse("device:btn-c1")).name == "王淑兰"
    assert about(town, Subject.parse("device:btn-c1")).kind == "device"
    assert about(town, Subject.parse("resident:r-1")).area == "mudan"
    assert about(town, Subject.parse("area:wangji")).name == "王集"
    assert about(town, Subject.parse("client:nobody")).name == ""


def test_masks() -> None:
    assert mask_name("王淑兰") == "王**"
    assert mask_name(" ") == ""
