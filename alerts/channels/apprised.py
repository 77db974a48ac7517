"""Any Apprise URL: DingTalk, WeCom, Feishu, SMS gateways, e-mail, push and a hundred more.

Apprise answers only yes or no, so a failure counts as temporary, and a yes as sent. It throttles
a reused object; ours are made fresh for each message, our own rate limit being in `bundling`.
"""

import logging

import apprise

from alerts.channels.notice import Notice, SendResult
from alerts.types import Severity

KINDS = {
    Severity.LIFE: apprise.NotifyType.FAILURE,
    Severity.HIGH: apprise.NotifyType.FAILURE,
    Severity.MEDIUM: apprise.NotifyType.WARNING,
    Severity.LOW: apprise.NotifyType.INFO,
}


class AppriseChannel:
    """Serves every URL that Apprise knows, and is asked last."""

    def __init__(self) -> None:
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may hold URLs
        apprise.Apprise().add("json://127.0.0.1/")  # loads its plugins now, not at the first SOS

    def serves(self, url: str) -> bool:
        return "://" in url

    def send(self, url: str, notice: Notice) -> SendResult:
        target = apprise.Apprise()
        if not target.add(url):
            return SendResult("failed_permanent", "Apprise can't read this contact's address")
        sent = target.notify(
            title=notice.title,
            body=notice.message,
            notify_type=KINDS[notice.severity],
            body_format=apprise.NotifyFormat.TEXT,
        )
        return (
            SendResult("sent") if sent else SendResult("failed_temporary", "Apprise could not send")
        )

    def close(self) -> None:
        """Do nothing: no connection is kept open."""
