"""Of a message that could not be read a page shows no person, place or secret, and every other byte
where it stood."""

import pytest

from devices.veil import Names, is_private, masked, masked_of, veiled, veiled_tree

NAMES = Names(("王淑兰", "李四", "Li Wei", "王"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('{"lat": 35.241, "lon":115.4}', '{"lat": …, "lon":…}'),
        ('{"personName": "王\\"淑兰", "id": "7"}', '{"personName": …, "id": "7"}'),
        ("/ingest/push/x?id=7&lat=35.2&token=abc", "/ingest/push/x?id=7&lat=…&token=…"),
        ('{"password": "s3cret', '{"password": …'),
        ("<latitude>", "<latitude>"),
        ("a\x1b[2Jb\u202ec", "a\\x1b[2Jb\\x202ec"),
        ("Authorization: Bearer abcdefgh", "Authorization: … …"),
    ],
)
def test_a_text_shows_no_place_person_or_secret(said: str, shown: str) -> None:
    assert masked(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('{"id": "1", "name": "Zhao"}', '{"id": "1", "name": "****"}'),
        (
            '{"deviceName": "d", "userName": "Zhao"}',
            '{"deviceName": "d", "userName": "****"}',
        ),
        ('{"person": ["a", "b"], "n": 1}', '{"person": [********], "n": 1}'),
        ('{"lat": 35.24', '{"lat": *****'),
        ("<p:personName x='1'>Zhao</p:personName>", "<p:personName x='1'>****</p:personName>"),
        ('name="userName"\r\n\r\nZhao\r\n--', 'name="********"\r\n\r\n****\r\n--'),
        ("id=7&pwd=abc", "id=7&pwd=***"),
        ('{"remark": "Li Wei fell"}', '{"remark": "****** fell"}'),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_bytes_keep_their_places(said: str, shown: str) -> None:
    assert veiled(said.encode(), NAMES).decode() == shown


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_a_registered_name_is_found_in_any_usual_encoding(encoding: str) -> None:
    payload = '{"remark": "王淑兰 与 李四"}'.encode(encoding)
    shown = veiled(payload, NAMES)
    assert len(shown) == len(payload)
    assert "王淑兰".encode(encoding) not in shown
    assert "李四".encode(encoding) not in shown


def test_a_name_spelt_by_escapes_is_found() -> None:
    spelt = rb'{"remark": "\u4f60\u738b\u6DD1\u5170!"}'
    assert veiled(spelt, NAMES) == rb'{"remark": "\u4f60' + b"*" * 18 + b'!"}'


def test_bytes_that_are_no_text_keep_their_length() -> None:
    payload = b"\xff\x00name=\xfe\xfd&x=1"
    assert veiled(payload, NAMES) == b"\xff\x00name=**&x=1"
    assert veiled(b"", NAMES) == b""


def test_a_sentence_holds_no_name() -> None:
    assert masked_of('"王淑兰" is not registered', NAMES) == '"***" is not registered'


@pytest.mark.parametrize("key", ["lat", "Lon", "userName", "accessToken", "姓名", "clientId"])
def test_private_keys(key: str) -> None:
    assert is_private(key)
    assert not is_private("device_name")


def test_a_tree_shows_no_private_value_wherever_it_stands() -> None:
    tree = {"a": [{"lat": 1.5, "lon": None, "name": {"first": "x"}}, "李四 fell"], "n": 7}
    shown = {"a": [{"lat": "…", "lon": None, "name": "…"}, "** fell"], "n": 7}
    assert veiled_tree(tree, NAMES) == shown
    deep: object = "x"
    for _ in range(50):
        deep = [deep]
    assert "x" not in str(veiled_tree(deep, NAMES))
