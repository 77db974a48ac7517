"""The JSON Schemas of contract v1, made from the wire types.

`python -m devices.contract.schemas` writes the files beside this one; a test holds them to the
types.
"""

from pathlib import Path
from typing import Any

import msgspec

from devices.contract.messages import MESSAGES

FOLDER = Path(__file__).with_name("schemas")
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of one kind's messages. Further fields are allowed and passed over."""
    made = msgspec.json.schema(MESSAGES[kind])
    schema = made["$defs"][MESSAGES[kind].__name__]
    written = schema["properties"]["at"]["anyOf"]
    written[0] = {"type": "string", "format": "date-time"}
    return {"$schema": DRAFT, "$id": f"carewatch/v1/{kind}.json", **schema, "title": kind}


def file_of(kind: str) -> Path:
    """Return where the schema of a kind is kept."""
    return FOLDER / f"{kind}.json"


def text_of(kind: str) -> str:
    """Return the schema as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(schema_of(kind)), indent=2).decode() + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in MESSAGES:
        file_of(name).write_text(text_of(name), encoding="utf-8")
