"""`voice+https://...`: a call placed by a provider's HTTP API, described by the URL itself.

The query's values may hold `{text}` `{title}` `{page}` `{alert}` `{to}` `{ack_url}` and
`{keypad_url}` (where the provider reports the key that was pressed: 1 acknowledges). They are sent
as JSON, as a form (`_as=form`) or in the query (`_as=query`). Example:

    voice+https://key:secret@api.example.com/calls?_as=form&called=13800001111&tts={text}

A 2xx answer means that the call is queued; whether somebody picked up comes by a callback.
"""

import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx

from alerts.channels.notice import Notice, SendResult
from alerts.channels.webhook import UNREADABLE, answer_to

SCHEME = "voice+"
PLACE = re.compile(r"\{(\w+)\}")


class VoiceChannel:
    """Asks a provider to call a phone and read the message out."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def serves(self, url: str) -> bool:
        return url.startswith((f"{SCHEME}https://", f"{SCHEME}http://"))

    def send(self, url: str, notice: Notice) -> SendResult:
        try:
            response = self._client.send(self._request(url.removeprefix(SCHEME), notice))
        except UNREADABLE:
            return SendResult("failed_permanent", "the contact's address can't be read")
        except httpx.HTTPError as error:
            return SendResult("failed_temporary", type(error).__name__)
        answer = answer_to(response.status_code)
        return answer if answer.has_failed else SendResult("queued")

    def close(self) -> None:
        """Do nothing: the client is the webhook's."""

    def _request(self, url: str, notice: Notice) -> httpx.Request:
        parts = urlsplit(url)
        target = urlunsplit(parts._replace(query="", fragment=""))
        fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        form = fields.pop("_as", "json")
        filled = {key: fill(value, notice) for key, value in fields.items()}
        if form == "query":
            return self._client.build_request("POST", target, params=filled)
        if form == "form":
            return self._client.build_request("POST", target, data=filled)
        return self._client.build_request("POST", target, json=filled)


def fill(template: str, notice: Notice) -> str:
    """Return a value with its placeholders filled in; an unknown placeholder stays as it is."""
    places = {
        "text": notice.text or notice.message,  # nobody wants a link read out
        "title": notice.title,
        "page": notice.page,
        "alert": notice.alert,
        "to": notice.to,
        "ack_url": notice.ack_url,
        "keypad_url": notice.keypad_url,
    }
    return PLACE.sub(lambda found: places.get(found[1], found[0]), template)
