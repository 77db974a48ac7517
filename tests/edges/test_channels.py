"""Every channel against a real receiver: a web server, an SMTP server, an Apprise target."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from alerts.channels import Channels, Notice, open_channels
from alerts.types import Severity
from deploy.stack.local import free_port
from tests.edges.mailbox import Mailbox
from tests.edges.paging import Phones
from tests.waiting import until

pytestmark = pytest.mark.edge

NOTICE = Notice(
    page="abc-1.0-u-1-0",
    alert="abc",
    rule="sos_pressed",
    subject="client:c-1",
    severity=Severity.LIFE,
    title="【生命警报】王秀英 按下SOS",
    message="王秀英 按下SOS，王集，刚刚 应答：http://x/a/t",
    text="王秀英 按下SOS，王集，刚刚",
    raised_at=datetime(2026, 11, 2, tzinfo=UTC),
    observed_at=None,
    received_at=None,
    rung=1,
    attempt=1,
    to="u-1",
    ack_url="http://x/a/t",
    keypad_url="http://x/a/t/keypad",
)


@pytest.fixture(scope="module")
def channels() -> Iterator[Channels]:
    channels = open_channels()
    yield channels
    channels.close()


def test_a_webhook_gets_the_notice_as_json(channels: Channels, phones: Phones) -> None:
    answer = channels.send(f"webhook://{phones.host}/in?key=1", NOTICE)
    assert answer.state == "delivered"
    page = phones.rang("/in?key=1")[0]
    expected = {
        "page", "alert", "rule", "subject", "severity", "title", "message", "raised_at",
        "observed_at", "received_at", "rung", "attempt", "to", "ack_url",
    }  # fmt: skip
    assert expected <= page.keys()
    assert (page["severity"], page["observed_at"]) == ("life", None)
    assert page["raised_at"] == "2026-11-02T00:00:00Z"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "delivered"),
        (202, "delivered"),
        (301, "failed_permanent"),
        (400, "failed_permanent"),
        (401, "failed_permanent"),
        (404, "failed_permanent"),
        (408, "failed_temporary"),
        (410, "failed_permanent"),
        (429, "failed_temporary"),
        (500, "failed_temporary"),
        (503, "failed_temporary"),
    ],
)
def test_failures_are_told_apart(
    channels: Channels, phones: Phones, status: int, state: str
) -> None:
    phones.statuses["/in"] = status
    answer = channels.send(f"webhook://{phones.host}/in", NOTICE)
    assert answer.state == state
    assert phones.host not in answer.detail


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("webhook://127.0.0.1:{closed}/in", "failed_temporary"),
        ("webhook://", "failed_permanent"),
        ("nonsense://x", "failed_permanent"),
        ("13800001111", "failed_permanent"),
        ("voice+https://[/x", "failed_permanent"),
    ],
)
def test_what_cannot_be_reached_is_an_answer_too(channels: Channels, url: str, state: str) -> None:
    assert channels.send(url.format(closed=free_port()), NOTICE).state == state


def test_an_apprise_target_gets_title_and_text(channels: Channels, phones: Phones) -> None:
    assert channels.send(f"json://{phones.host}/page", NOTICE).state == "sent"
    said = phones.rang("/page")[0]
    assert (said["title"], said["message"]) == (NOTICE.title, NOTICE.message)
    phones.statuses["/page"] = 500
    assert channels.send(f"json://{phones.host}/page", NOTICE).state == "failed_temporary"


def test_a_call_is_placed_by_the_template(channels: Channels, phones: Phones) -> None:
    url = f"voice+http://{phones.host}/calls?to=13800001111&tts={{text}}&cb={{keypad_url}}&x={{no}}"
    assert channels.send(url, NOTICE).state == "queued"
    assert phones.rang("/calls")[0] == {
        "to": "13800001111",
        "tts": NOTICE.text,
        "cb": NOTICE.keypad_url,
        "x": "{no}",
    }


def test_an_e_mail_is_sent(channels: Channels) -> None:
    mailbox = Mailbox()
    assert channels.send(mailbox.url("one@example.org"), NOTICE).state == "sent"
    until(lambda: mailbox.mails)
    assert "one@example.org" in mailbox.mails[0][1]
    mailbox.close()
