"""The ways to reach a person. The first channel that knows a contact's scheme serves it.

To add one: a file with a class that has `serves` and `send`, and a line in `open_channels`.
"""

from alerts.channels.apprised import AppriseChannel
from alerts.channels.notice import Channel, Notice, SendResult
from alerts.channels.voice import VoiceChannel
from alerts.channels.webhook import WebhookChannel, new_client

__all__ = ("Channel", "Channels", "Notice", "SendResult", "open_channels")


class Channels:
    """The channels of one pager, with their connections kept open."""

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        self._channels = channels

    def send(self, url: str, notice: Notice) -> SendResult:
        """Send by the channel that serves this URL. Never raises: a failure is an answer."""
        for channel in self._channels:
            if channel.serves(url):
                return channel.send(url, notice)
        return SendResult("failed_permanent", "no channel knows this kind of contact")

    def close(self) -> None:
        """Let the connections go."""
        for channel in self._channels:
            channel.close()


def open_channels() -> Channels:
    """Return every channel there is, in the order they are asked; ready to send without a delay."""
    client = new_client()
    return Channels((WebhookChannel(client), VoiceChannel(client), AppriseChannel()))
