"""The AsyncAPI 3 document of contract v1, made from the wire types, their topics and samples.

It is written as a device reads it: `send` is what the device sends. `python -m
devices.contract.asyncapi` writes the file beside this one; a test holds it to what is here, and
to AsyncAPI's own schema.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from devices.contract.messages import MAX_BYTES, MESSAGES
from devices.contract.schemas import file_of

FILE = Path(__file__).with_name("asyncapi.yaml")
SAMPLES = Path(__file__).with_name("samples") / "good.jsonl"
EXAMPLES = 2  # of a kind, of those in the samples
MQTT, HTTP = "0.2.0", "0.3.0"  # versions of the bindings
TOPIC = "carewatch/v1/{site}"
PARAMETERS: dict[str, Any] = {
    "site": {"description": "where the device hangs, as the operator names it"},
    "device": {"description": "the id under which the device is registered"},
}
KINDS = {
    "position": "where a phone or tracker is",
    "door": "a contact after a change, or repeated",
    "sos": "somebody has pressed an emergency button",
    "face": "a terminal has seen a face, or a stranger's",
    "visit": "a step of a visit, told on the caregiver's phone",
    "status": "a sign of life; as the last will, that the device is lost",
}
ANNOUNCED = {  # Home Assistant's own names
    "entity": "homeassistant/{component}/{device}/config",
    "object": "homeassistant/{component}/{device}/{object}/config",
    "device": "homeassistant/device/{device}/config",
}


CLAIMED: dict[str, Any] = {
    "device": "sn-77",
    "secret": "given once",
    "mqtt": {
        "url": "mqtts://care.example:8883",
        "username": "sn-77",
        "client_id": "sn-77",
        "topic": "carewatch/v1/home/face/sn-77",
        "answers": "carewatch/v1/home/answer/sn-77",
    },
    "http": {
        "url": "https://care.example/ingest/v1/home/face/sn-77",
        "authorization": "Bearer",
    },
}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_CLAIMED: dict[str, Any] = {
    "type": "object",
    "required": ["device", "secret", "mqtt", "http"],
    "properties": {
        "device": {"type": "string"},
        "secret": {"type": "string"},
        "mqtt": _TEXTS,
        "http": _TEXTS,
    },
}


def document() -> dict[str, Any]:
    """Return the document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "carewatch device contract",
            "version": "1",
            "description": (
                "What devices publish to carewatch, and what they are answered. The page for "
                f"people is contract-v1.md. One JSON object a message, at most {MAX_BYTES} bytes, "
                "UTF-8. Send it again, with the same id and at, until it is acknowledged."
            ),
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {**_kinds(), **_answers(), **_http(), **_discovery()},
        "operations": _operations(),
        "components": {
            "messages": {**{kind: _message(kind) for kind in MESSAGES}, **_other_messages()},
            "securitySchemes": _schemes(),
        },
    }


def _servers() -> dict[str, Any]:
    broker = {"broker": {"default": "care.example", "description": "the operator's broker"}}
    site = {"pages": {"default": "care.example", "description": "the operator's public address"}}
    will = {
        "topic": f"{TOPIC}/status/{{device}}",
        "qos": 1,
        "message": '{"id": "will-1", "at": "2026-11-02T09:00:00+08:00", "online": false}',
        "retain": False,
    }
    return {
        "mqtt": {
            "host": "{broker}:8883",
            "protocol": "secure-mqtt",
            "protocolVersion": "3.1.1",
            "description": "MQTT 3.1.1 or 5. The client id is the device's id, whatever is sent.",
            "variables": broker,
            "security": [
                _ref("securitySchemes", "account"),
                _ref("securitySchemes", "certificate"),
            ],
            "bindings": {
                "mqtt": {
                    "clientId": "{device}",
                    "cleanSession": False,
                    "keepAlive": 60,
                    "lastWill": will,
                    "bindingVersion": MQTT,
                }
            },
        },
        "https": {
            "host": "{pages}",
            "protocol": "https",
            "description": "For devices that speak only HTTP. A 2xx answer means stored.",
            "variables": site,
            "security": [_ref("securitySchemes", "basic"), _ref("securitySchemes", "bearer")],
        },
    }


def _schemes() -> dict[str, Any]:
    return {
        "account": {
            "type": "userPassword",
            "description": "user: the device's id; password: its secret, given once",
        },
        "certificate": {
            "type": "X509",
            "description": "a client certificate of the operator's authority; its name is the id",
        },
        "basic": {"type": "http", "scheme": "basic", "description": "id and secret"},
        "bearer": {"type": "http", "scheme": "bearer", "description": "the secret alone"},
    }


def _kinds() -> dict[str, Any]:
    return {
        kind: _channel(f"{TOPIC}/{kind}/{{device}}", ("site", "device"), "mqtt", kind, KINDS[kind])
        for kind in MESSAGES
    }


def _answers() -> dict[str, Any]:
    told = "what became of the device's presses; no other device may subscribe"
    return {
        "answer": _channel(f"{TOPIC}/answer/{{device}}", ("site", "device"), "mqtt", "answer", told)
    }


def _http() -> dict[str, Any]:
    posted = _channel(
        "/ingest/v1/{site}/{kind}/{device}",
        ("site", "device"),
        "https",
        "position",
        "any of the six",
    )
    posted["parameters"]["kind"] = {"description": "the kind of the message", "enum": [*MESSAGES]}
    posted["messages"] = {kind: _ref("messages", kind) for kind in MESSAGES}
    claim = "a device that came with a claim code asks for its own account, once"
    heard = "what became of the device's presses in the last seven days"
    claimed = _channel("/ingest/v1/claim", (), "https", "claim", claim)
    claimed["messages"]["claimed"] = _ref("messages", "claimed")
    return {
        "post": posted,
        "postedAnswers": _channel(
            "/ingest/v1/{site}/answer/{device}", ("site", "device"), "https", "answers", heard
        ),
        "claim": claimed,
    }


def _discovery() -> dict[str, Any]:
    told = "a device of another protocol announces itself, retained; empty withdraws it"
    names = {"component": "sensor, binary_sensor, event, ...", "object": "one of its entities"}
    found = {}
    for name, address in ANNOUNCED.items():
        channel = _channel(address, ("device",), "mqtt", "announcement", told)
        more = {
            key: {"description": text} for key, text in names.items() if f"{{{key}}}" in address
        }
        channel["parameters"] |= more
        found[f"announce{name.capitalize()}"] = channel
    return found


def _channel(
    address: str, parameters: tuple[str, ...], server: str, message: str, summary: str
) -> dict[str, Any]:
    return {
        "address": address,
        "summary": summary,
        "servers": [{"$ref": f"#/servers/{server}"}],
        "parameters": {name: PARAMETERS[name] for name in parameters},
        "messages": {message: _ref("messages", message)},
    }


def _operations() -> dict[str, Any]:
    qos = {"mqtt": {"qos": 1, "retain": False, "bindingVersion": MQTT}}
    kept = {"mqtt": {"qos": 1, "retain": True, "bindingVersion": MQTT}}
    post = {"http": {"method": "POST", "bindingVersion": HTTP}}
    get = {"http": {"method": "GET", "bindingVersion": HTTP}}
    sent = {kind: _operation("send", kind, qos) for kind in MESSAGES}
    return {
        **{f"publish{kind.capitalize()}": each for kind, each in sent.items()},
        "hearAnswer": _operation("receive", "answer", {"mqtt": {"qos": 1, "bindingVersion": MQTT}}),
        "post": _operation("send", "post", post),
        "askForAnswers": _operation("receive", "postedAnswers", get),
        "claim": {
            **_operation("send", "claim", post),
            "messages": [{"$ref": "#/channels/claim/messages/claim"}],
            "reply": {
                "channel": {"$ref": "#/channels/claim"},
                "messages": [{"$ref": "#/channels/claim/messages/claimed"}],
            },
        },
        **{
            f"announce{name.capitalize()}": _operation("send", f"announce{name.capitalize()}", kept)
            for name in ANNOUNCED
        },
    }


def _operation(action: str, channel: str, bindings: dict[str, Any]) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "bindings": bindings}


def _message(kind: str) -> dict[str, Any]:
    return {
        "name": kind,
        "title": KINDS[kind],
        "contentType": "application/json",
        "payload": {"$ref": f"schemas/{file_of(kind).name}"},
        "examples": [{"name": body["id"], "payload": body} for body in _samples(kind)],
    }


def _other_messages() -> dict[str, Any]:
    heard = {
        "type": "object",
        "required": ["answer"],
        "properties": {
            "answer": {"enum": ["received", "coming", "refused"]},
            "id": {"type": "string", "description": "of the press"},
            "at": {"type": "string", "format": "date-time"},
            "reason": {"type": "string"},
            "detail": {"type": "string"},
        },
    }
    said = {"answer": "received", "id": "s-1", "at": "2026-11-02T01:00:00Z"}
    claim = {
        "type": "object",
        "required": ["code", "serial", "nonce"],
        "properties": {
            "code": {"type": "string", "maxLength": 128},
            "serial": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
            "nonce": {"type": "string", "minLength": 16, "maxLength": 128},
        },
    }
    asked = {"code": "K7M2QX-ABCDE", "serial": "SN-77", "nonce": "5f0c1e7a9b3d4c62"}
    return {
        "answer": _plain("what became of a press", heard, said),
        "answers": _plain(
            "the latest hundred",
            {"type": "object", "properties": {"answers": {"type": "array", "items": heard}}},
            {"answers": [said]},
        ),
        "claim": _plain("a device asks for its account", claim, asked),
        "claimed": _plain("its account, by MQTT and HTTP", _CLAIMED, CLAIMED),
        "announcement": _plain(
            "a Home Assistant discovery message, at most 64 KiB and 200 entities",
            {"type": "object"},
            {"stat_t": "house/door", "dev_cla": "door", "pl_on": "open", "pl_off": "closed"},
        ),
    }


def _plain(title: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "contentType": "application/json",
        "payload": schema,
        "examples": [{"payload": example}],
    }


def _samples(kind: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in SAMPLES.read_text("utf-8").splitlines()]
    return [row["payload"] for row in rows if f"/{kind}/" in row["topic"]][:EXAMPLES]


def _ref(section: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{section}/{name}"}


def text_of_document() -> str:
    """Return the document as it stands in its file."""
    head = "# Made by `python -m devices.contract.asyncapi`.\n"
    return head + yaml.dump(
        document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100
    )


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: readers of AsyncAPI know no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Return True for everything."""
        return True


if __name__ == "__main__":
    FILE.write_text(text_of_document(), encoding="utf-8")
