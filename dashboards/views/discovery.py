"""What devices announce of themselves, for who registers them: narrowed to what they may see."""

from collections.abc import Iterator

import psycopg

from dashboards.masking import mask_name
from dashboards.views.desk import DeskView
from devices.discovery.proposals import Proposal, proposals
from devices.subject import Subject
from ingest import history

LISTED = 200  # announced devices on the page
CHOICES = 1000  # holders that the form offers; any other may be written


def announced(conn: psycopg.Connection, desk: DeskView) -> list[Proposal]:
    """Return the announced devices that a visitor may see.

    What nobody has registered belongs to no part of the town: it is shown to who sees the whole
    town, and what a registered device's account announced to who sees that device.
    """
    rows = history.announcements(conn)
    read = ((own, row.announced_at) for row in rows if (own := row.read(desk.directory)))
    return [each for each in proposals(read, desk.directory) if _visible(each, desk)]


def _visible(proposal: Proposal, desk: DeskView) -> bool:
    if desk.who.scope.whole:
        return True
    devices = (proposal.owner, *(offer.registered for offer in proposal.offers))
    return any(device and desk.records.sees(Subject("device", device)) for device in devices)


def holders(desk: DeskView) -> list[tuple[str, str]]:
    """Return whom a device may be given to, with the masked name; the first thousand."""
    found: list[tuple[str, str]] = []
    for subject, name in _people(desk):
        if len(found) == CHOICES:
            break
        if desk.records.sees(subject):
            found.append((str(subject), mask_name(name)))
    return found


def _people(desk: DeskView) -> Iterator[tuple[Subject, str]]:
    directory = desk.directory
    yield from ((Subject("client", each.id), each.name) for each in directory.clients)
    yield from ((Subject("caregiver", each.id), each.name) for each in directory.caregivers)
    yield from ((Subject("resident", each.id), each.name) for each in directory.residents)
    yield from ((Subject("facility", each.id), each.name) for each in directory.facilities)
