"""`webhook://host/path`: one POST of JSON; `webhooks://` with TLS. A 2xx answer is a delivery."""

import httpx
import msgspec

from alerts.channels.notice import Notice, SendResult

SCHEMES = {"webhook://": "http://", "webhooks://": "https://"}
TIMEOUT = httpx.Timeout(5.0, connect=3.0)  # seconds; well within a page's lease
UNREADABLE = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError)
AGAIN = (408, 425, 429)  # the 4xx answers after which a retry may help


def new_client() -> httpx.Client:
    """Return a client whose connections stay open, shared by all threads of a pager."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=60)
    return httpx.Client(timeout=TIMEOUT, limits=limits)


class WebhookChannel:
    """Posts a notice as it is."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def serves(self, url: str) -> bool:
        return url.startswith(tuple(SCHEMES))

    def send(self, url: str, notice: Notice) -> SendResult:
        scheme = next(scheme for scheme in SCHEMES if url.startswith(scheme))
        request = self._client.build_request
        headers = {"Content-Type": "application/json", "Idempotency-Key": notice.page}
        try:
            target = SCHEMES[scheme] + url.removeprefix(scheme)
            body = msgspec.json.encode(notice)
            response = self._client.send(request("POST", target, content=body, headers=headers))
        except UNREADABLE:
            return SendResult("failed_permanent", "the contact's address can't be read")
        except httpx.HTTPError as error:
            return SendResult("failed_temporary", type(error).__name__)
        return answer_to(response.status_code)

    def close(self) -> None:
        self._client.close()


def answer_to(status: int) -> SendResult:
    """Return what an HTTP status says of a delivery, and whether a retry helps."""
    if 200 <= status < 300:
        return SendResult("delivered")
    if status >= 500 or status in AGAIN:
        return SendResult("failed_temporary", f"HTTP {status}")
    return SendResult("failed_permanent", f"HTTP {status}")
