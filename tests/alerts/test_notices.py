"""What a page says, and where the link stands in it."""

from ladder_story import NOON, SHANGHAI, staff
from test_bundling import waiting

from alerts.paging.notices import Claimed, notice_of
from alerts.plans.roster import roster_of
from alerts.settings import AlertsSettings
from alerts.types import PlanSet
from devices.directory import Directory

SETTINGS = AlertsSettings(
    database_url="", secret="a secret that is long enough", public_url="http://x"
)


def test_the_text_says_all_but_where_to_answer() -> None:
    roster = roster_of(Directory(), PlanSet(people=(staff("u-1"),)), SHANGHAI)
    claimed = [Claimed(waiting(number), 1) for number in range(4)]
    for pages in (claimed[:1], claimed):
        notice = notice_of(pages, roster, SETTINGS, NOON)
        assert notice.text.endswith("刚刚")
        assert notice.message == f"{notice.text} 应答：{notice.ack_url}"
    assert "共4条" in notice.text
