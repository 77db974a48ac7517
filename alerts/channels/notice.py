"""What is sent, and what a channel answers."""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from alerts.types import ReceiptState, Severity


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message to one person; as JSON the body of a `webhook://` post.

    A message for several alerts is about the gravest; the others stand in `bundled`.
    """

    page: str
    alert: str
    rule: str
    subject: str
    severity: Severity
    title: str
    message: str  # the text, and where to answer
    text: str = ""  # fits an SMS; for channels that show the link themselves or read aloud
    raised_at: datetime
    observed_at: datetime | None
    received_at: datetime | None
    rung: int  # 1-based
    attempt: int  # 1 = first
    to: str  # person id
    ack_url: str
    lang: Literal["zh", "en"] = "zh"
    keypad_url: str = ""  # where a voice provider reports a pressed key
    bundled: tuple["Notice", ...] = ()

    @property
    def pages(self) -> tuple[str, ...]:
        """Return the ids of every page that this message carries."""
        return (self.page, *(one.page for one in self.bundled))


class SendResult(msgspec.Struct, frozen=True):
    """What the channel said: how far the message has come, or whether a retry helps.

    queued, sent: handed on; delivered: at the receiver; failed_temporary: worth a retry;
    failed_permanent: this contact won't work. `detail` never holds the contact's URL.
    """

    state: ReceiptState
    detail: str = ""

    @property
    def has_failed(self) -> bool:
        """Return True if the notice did not leave, for now or for good."""
        return self.state in ("failed_temporary", "failed_permanent")


class Channel(Protocol):
    """One way to reach a person."""

    def serves(self, url: str) -> bool:
        """Return True if this is a contact of this channel."""

    def send(self, url: str, notice: Notice) -> SendResult:
        """Send, within 10 s. Never raises: a failure is an answer."""

    def close(self) -> None:
        """Let connections go."""
