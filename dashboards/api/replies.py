"""What providers report back: a reply by SMS, a key pressed during a call, a receipt of a page.

A keypad's address is signed for its page. The other two are addresses that only the provider
knows: they end in a key made from the signing key (`carewatch sign-in replies` prints them).
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from alerts import desk
from alerts.desk import Refusal
from alerts.types import Receipt, ReceiptState
from core.errors import CarewatchError
from core.refusal import refused
from dashboards.api.answer import as_json
from dashboards.auth.tokens import is_reply_key
from dashboards.bodies import json_of
from dashboards.site import Site, site_of

router = APIRouter(include_in_schema=False)
NUMBER = ("from", "From", "number", "mobile", "phone", "msisdn")  # as providers call them
TEXT = ("text", "Body", "content", "message", "msg")
DIGITS = ("digits", "Digits", "dtmf", "key", "keys")


class ReplyOutcome(msgspec.Struct, frozen=True):
    """What came of a reply."""

    alert: str | None  # what it was about; None: nothing is waiting for this person
    refused: str | None = None


async def fields_of(request: Request) -> dict[str, str]:
    """Return what a provider sent: JSON, a form or a query, whichever it speaks."""
    fields = dict(request.query_params)
    if "form" in request.headers.get("content-type", ""):
        return fields | {key: str(value) for key, value in (await request.form()).items()}
    body = await request.body()
    if not body.strip():
        return fields
    said = json_of(body, dict[str, object])
    return fields | {key: str(value) for key, value in said.items()}


Fields = Annotated[dict[str, str], Depends(fields_of)]
InSite = Annotated[Site, Depends(site_of)]


@router.post("/a/{token}/keypad")
def keypad(token: str, fields: Fields, site: InSite) -> Response:
    """Take a key pressed during a call: 1 "I'm going", 2 the next rung."""
    with site.pool.connection() as conn:
        found = desk.answer_by_keypad(
            conn, site.settings.secret, token, _one_of(fields, DIGITS), now=datetime.now(UTC)
        )
    if isinstance(found, Refusal):
        return as_json(ReplyOutcome(None, found.value), 403)
    return as_json(ReplyOutcome(found[0].alert))


@router.post("/reply/sms/{key}")
def sms(key: str, fields: Fields, site: InSite) -> Response:
    """Take a reply by SMS; the number says whose it is."""
    if not is_reply_key(site.settings.secret, key):
        return as_json(ReplyOutcome(None, "invalid"), 403)
    with site.pool.connection() as conn:
        alert = desk.answer_by_sms(
            conn, _one_of(fields, NUMBER), _one_of(fields, TEXT), now=datetime.now(UTC)
        )
    return as_json(ReplyOutcome(alert))


@router.post("/reply/receipt/{key}")
def receipt(key: str, fields: Fields, site: InSite) -> Response:
    """Take what became of a page: `page` (its id), `state` and perhaps `detail`."""
    if not is_reply_key(site.settings.secret, key):
        return as_json(ReplyOutcome(None, "invalid"), 403)
    try:
        state = msgspec.convert(fields.get("state"), ReceiptState)
    except msgspec.ValidationError:
        raise CarewatchError(refused(fields.get("state"), ReceiptState, at=("state",))) from None
    entry = Receipt(
        at=datetime.now(UTC),
        page=_one_of(fields, ("page",)),
        state=state,
        detail=fields.get("detail", "")[:200],
    )
    with site.pool.connection() as conn:
        desk.receipt(conn, entry)
    return as_json(ReplyOutcome(None))


def _one_of(fields: dict[str, str], names: tuple[str, ...]) -> str:
    for name in names:
        if name in fields:
            return fields[name]
    raise CarewatchError(f"body: none of the fields {', '.join(names)} is there")
