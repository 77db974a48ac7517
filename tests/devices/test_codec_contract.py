"""Contract v1: the vendor's samples are these tests; page, schemas and types say the same."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import validator_for

import devices.contract
from deploy.claiming.exchange import Claimed
from deploy.claiming.route import Places, told
from devices.contract import asyncapi
from devices.contract.messages import MESSAGES, ContractMessage
from devices.contract.schemas import file_of, schema_of, text_of
from devices.envelope import Envelope, HttpRequest
from devices.readings import KINDS, Reason
from devices.topics import ContractTopic, contract_topic
from ingest.admission.admit import admit

ROOT = Path(__file__).parents[2]
CONTRACT = Path(devices.contract.__file__).parent
RECEIVED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CONTRACT / "samples" / name).read_text().splitlines()]


def said(topic: str, payload: bytes) -> list[dict[str, Any]]:
    """Readings and rejections as `decode` prints them, without nulls and `received_at`."""
    admitted = admit(Envelope(topic, payload, RECEIVED), None)
    printed = [json.loads(msgspec.json.encode(one)) for one in admitted.readings]
    kept = [{k: v for k, v in one.items() if v is not None} for one in printed]
    for one in kept:
        del one["received_at"]
    return kept + [{"rejected": str(one.reason)} for one in admitted.rejections]


@pytest.mark.parametrize("sample", lines("good.jsonl"), ids=lambda s: s["payload"]["id"])
def test_a_good_sample_is_read(sample: dict[str, Any]) -> None:
    assert said(sample["topic"], json.dumps(sample["payload"]).encode()) == [sample["out"]]


@pytest.mark.parametrize("sample", lines("bad.jsonl"), ids=lambda s: s["why"])
def test_a_bad_sample_gets_its_reason(sample: dict[str, Any]) -> None:
    assert said(sample["topic"], sample["text"].encode()) == [{"rejected": sample["rejected"]}]


def test_hostile_bytes_get_a_reason() -> None:
    topic = "carewatch/v1/wangji/door/door-c1"
    good = b'{"id": "d-1", "at": 1793581200, "open": true, "more": '
    assert said(topic, b"\xff\xfe{}") == [{"rejected": "not_json"}]
    assert said(topic, b"") == [{"rejected": "not_json"}]
    assert said(topic, good + b"[" * 10_000 + b"]" * 10_000 + b"}") == [{"rejected": "not_json"}]
    assert said(topic, good + b'"' + b"x" * 64 * 1024 + b'"}') == [{"rejected": "too_large"}]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"lat": 95, "lon": 115.48}, "out_of_range"),
        ({"battery": "full"}, "bad_value"),
        ({"press": "treble"}, "bad_value"),
        ({"battery": -1}, "out_of_range"),
    ],
)
def test_a_press_counts_though_a_lesser_field_is_wrong(wrong: dict[str, Any], reason: str) -> None:
    payload = {"id": "s-1", "at": 1793581200, **wrong}
    press, *rejections = said("carewatch/v1/wangji/sos/btn-7", json.dumps(payload).encode())
    assert (press["kind"], press["press"], "lat" in press) == ("sos", "short", False)
    assert rejections == [{"rejected": reason}]


@pytest.mark.parametrize("place", [{"lat": 0, "lon": 0}, {"lat": 35.24}, {}])
def test_a_press_without_a_fix_is_a_press(place: dict[str, Any]) -> None:
    payload = {"id": "s-1", "at": 1793581200, **place}
    (press,) = said("carewatch/v1/wangji/sos/btn-7", json.dumps(payload).encode())
    assert press["kind"] == "sos"
    assert "lat" not in press
    assert "lon" not in press


def test_private_fields_of_a_face_are_cut_out_and_counted() -> None:
    payload = {
        "id": "f-1",
        "at": 1793581200,
        "person": "R1",
        "image": "data:image/jpeg;base64,/9j/4AAQ",
        "idCard": "110101199003070000",
        "nested": {"telnum": "13800000000", "template": "AAAA"},
        "note": "call 13800000001",
    }
    envelope = Envelope("carewatch/v1/m/face/t", json.dumps(payload).encode(), RECEIVED)
    admitted = admit(envelope, None)
    assert admitted.redacted == 5
    printed = msgspec.json.encode(admitted.readings).decode()
    assert '"person":"R1"' in printed
    assert "1380000" not in printed
    assert "110101" not in printed


def test_a_device_without_mqtt_posts_the_same_object() -> None:
    request = HttpRequest("POST", "/ingest/v1/wangji/door/door-c1", "application/json")
    payload = b'{"id": "d-1", "at": 1793581200, "open": true}'
    (reading,) = admit(Envelope("", payload, RECEIVED, http=request), None).readings
    assert (reading.device, reading.id) == ("door-c1", "d-1")


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_file_is_made_from_the_types(kind: str) -> None:
    assert file_of(kind).read_text() == text_of(kind), "run python -m devices.contract.schemas"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_every_field(kind: str) -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (CONTRACT / "contract-v1.md").read_text().splitlines()
        if line.startswith("|")
    ]
    told = {row[1].strip("`"): row[3] == "yes" for row in rows if row[0] in (kind, "all")}
    fields = msgspec.structs.fields(MESSAGES[kind])
    assert told == {field.name: field.required for field in fields}


@pytest.mark.parametrize("name", ["contract-v1.md", "contract-v1.zh-CN.md"])
def test_the_page_names_every_reason(name: str) -> None:
    page = (CONTRACT / name).read_text()
    assert all(f"`{reason}`" in page for reason in Reason)


def test_the_asyncapi_document_is_made_of_the_contract() -> None:
    assert asyncapi.FILE.read_text() == asyncapi.text_of_document()
    document = yaml.safe_load(asyncapi.FILE.read_text())
    for kind in KINDS:
        message = document["components"]["messages"][kind]
        assert CONTRACT / message["payload"]["$ref"] == file_of(kind)
        address = document["channels"][kind]["address"]
        assert contract_topic(address.format(site="w", device="d")) == ContractTopic("w", kind, "d")


def test_the_asyncapi_document_is_one() -> None:
    rules = ROOT / ".venv/node/node_modules/@asyncapi/specs/schemas/3.0.0.json"
    if not rules.exists():
        pytest.skip("not here: AsyncAPI's own schema, which npm installs")
    schema = json.loads(rules.read_text())
    found = validator_for(schema)(schema).iter_errors(asyncapi.document())
    assert [f"{list(each.path)}: {each.message}" for each in found] == []


def test_what_a_tool_would_not_see_is_wrong_is_found() -> None:
    rules = ROOT / ".venv/node/node_modules/@asyncapi/specs/schemas/3.0.0.json"
    if not rules.exists():
        pytest.skip("not here: AsyncAPI's own schema, which npm installs")
    schema = json.loads(rules.read_text())
    wrong = asyncapi.document()
    wrong["operations"]["claim"]["action"] = "shout"
    assert list(validator_for(schema)(schema).iter_errors(wrong))


@pytest.mark.parametrize("kind", KINDS)
def test_its_examples_are_valid_and_understood(kind: str) -> None:
    message = asyncapi.document()["components"]["messages"][kind]
    assert 1 <= len(message["examples"]) <= asyncapi.EXAMPLES
    for example in message["examples"]:
        body = example["payload"]
        schema = schema_of(kind)
        assert list(validator_for(schema)(schema).iter_errors(body)) == []
        envelope = Envelope(f"carewatch/v1/w/{kind}/d", json.dumps(body).encode(), RECEIVED)
        admitted = admit(envelope, None)
        assert [said.id for said in admitted.readings] == [body["id"]]
        assert admitted.rejections == ()


def test_every_reference_of_it_leads_somewhere() -> None:
    document = asyncapi.document()
    for found in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        if not found.startswith("#/"):
            assert (CONTRACT / found).is_file(), found
            continue
        place: Any = document
        for key in found[2:].split("/"):
            place = place[key]


def test_what_a_claim_is_given_is_what_is_shown() -> None:
    begin = "carewatch/v1/home"
    own = Claimed("sn-77", "given once", f"{begin}/face/sn-77", f"{begin}/answer/sn-77")
    places = Places("", None, "mqtts://care.example:8883", "https://care.example")
    assert told(places, own) == asyncapi.CLAIMED


# ------------------------------------------------------------------ there and back again

TIMES = st.datetimes(datetime(2015, 1, 1), datetime(2026, 11, 1)).map(  # noqa: DTZ001
    lambda t: t.replace(tzinfo=UTC)
)
PERCENT = st.none() | st.floats(0, 100)
TEXT = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
FLAG = st.none() | st.booleans()
ANY = {
    "id": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50),
    "at": TIMES,
    "battery": PERCENT,
    "replayed": FLAG,
}
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "position": {
        "lat": st.floats(0.001, 90),
        "lon": st.floats(0.001, 180),
        "accuracy": st.none() | st.floats(0, 5000),
        "speed": st.none() | st.floats(0, 60),
        "mock": FLAG,
    },
    "door": {"open": st.booleans(), "tamper": FLAG},
    "sos": {"press": st.sampled_from((None, "short", "long", "double", "test", "cancel"))},
    "face": {"person": TEXT, "score": st.none() | st.floats(0, 1), "alive": FLAG},
    "visit": {
        "action": st.sampled_from(("check_in", "before", "after", "rating", "check_out")),
        "client": TEXT,
        "rating": st.none() | st.integers(1, 5),
    },
    "status": {"online": FLAG, "signal": st.none() | st.floats(-200, 0), "fault": TEXT},
}
SENT = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(MESSAGES[kind], **ANY, **FIELDS[kind]).map(lambda m: (kind, m))
)


@given(SENT)
def test_a_message_comes_back_as_it_was_sent(sent: tuple[str, ContractMessage]) -> None:
    kind, message = sent
    envelope = Envelope(f"carewatch/v1/s/{kind}/d", msgspec.json.encode(message), RECEIVED)
    admitted = admit(envelope, None)
    assert admitted.rejections == ()
    (reading,) = admitted.readings
    assert reading.observed_at == message.at
    for name in message.__struct_fields__:
        told, meant = getattr(reading, name, None), getattr(message, name)
        if isinstance(meant, float):
            assert told == pytest.approx(meant, abs=1e-6)
        elif meant is not None and meant != "" and name != "at":
            assert told == meant
    assert reading.clock == "ok" or message.at > RECEIVED + timedelta(minutes=2)
