"""A page as the message that its person reads. Pure; the moment and the roster are arguments."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.channels.notice import Notice
from alerts.paging import texts
from alerts.paging.bundling import Waiting
from alerts.paging.links import VALID_FOR, address, keypad_address, sign
from alerts.paging.texts import Lang
from alerts.plans.roster import Roster
from alerts.settings import AlertsSettings


class Claimed(msgspec.Struct, frozen=True):
    """A page taken to be sent, and which attempt this is."""

    waiting: Waiting
    attempt: int  # 1 = first


def notice_of(
    claimed: Sequence[Claimed], roster: Roster, settings: AlertsSettings, now: datetime
) -> Notice:
    """Return one message for one page, or for several to the same contact, the gravest first."""
    lang = _lang(claimed[0].waiting, roster, settings)
    first = _single(claimed[0], roster, settings, lang, now)
    if len(claimed) == 1:
        return first
    alerts = [one.waiting.alert for one in claimed]
    text = texts.summary(alerts, roster.directory, lang, now)
    return msgspec.structs.replace(
        first,
        message=texts.with_link(text, first.ack_url, lang),
        text=text,
        bundled=tuple(_single(one, roster, settings, lang, now) for one in claimed[1:]),
    )


def _single(
    claimed: Claimed, roster: Roster, settings: AlertsSettings, lang: Lang, now: datetime
) -> Notice:
    page, alert = claimed.waiting.page, claimed.waiting.alert
    token = sign(settings.secret, alert=alert.id, person=page.person, ends_at=now + VALID_FOR)
    link = address(settings.public_url, token)
    text = texts.sentence(alert, roster.directory, lang, now)
    return Notice(
        page=page.id,
        alert=alert.id,
        rule=alert.rule,
        subject=alert.subject,
        severity=alert.severity,
        title=texts.title(alert, roster.directory, lang),
        message=texts.with_link(text, link, lang),
        text=text,
        raised_at=alert.raised_at,
        observed_at=alert.observed_at,
        received_at=alert.received_at,
        rung=page.rung,
        attempt=claimed.attempt,
        to=page.person,
        ack_url=link,
        lang=lang,
        keypad_url=keypad_address(settings.public_url, token),
    )


def _lang(waiting: Waiting, roster: Roster, settings: AlertsSettings) -> Lang:
    staff = roster.people.get(waiting.page.person)
    contacts = staff.contacts if staff else ()
    number = waiting.page.contact
    chosen = contacts[number].lang if number < len(contacts) else None
    return chosen or settings.lang
