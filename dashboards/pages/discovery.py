"""Devices that announce themselves: what each could be, and registering it for somebody."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts import desk as inbox
from core.errors import CarewatchError
from dashboards.actions import NoSuchPage
from dashboards.auth.access import Visitor, having
from dashboards.pages.vendor import VendorDesk
from dashboards.views.discovery import LISTED, announced, holders
from devices import registry
from devices.directory import Device, DeviceKind
from devices.discovery.proposals import Offer, Proposal
from devices.subject import HOLDERS, Subject

router = APIRouter(prefix="/vendor/discovery", include_in_schema=False)
Registering = Annotated[Visitor, Depends(having("register"))]
Short = Annotated[str, Form(max_length=200)]


@router.get("")
def page(desk: VendorDesk, registered: str = "") -> HTMLResponse:
    """Show what devices announce, and a form for each that is not registered."""
    return _page(desk, registered=registered)


@router.post("")
def register(
    desk: VendorDesk,
    who: Registering,
    topic: Annotated[str, Form(max_length=512)],
    id: Short,
    kind: Annotated[DeviceKind, Form()],
    holder: Short,
) -> Response:
    """Register a device on a topic that was announced, for whom the visitor chose."""
    try:
        _register(desk, who, topic, Device(id=id.strip(), kind=kind, holder=holder.strip()))
    except CarewatchError as wrong:
        if isinstance(wrong, NoSuchPage):
            raise
        return _page(desk, fault=str(wrong), status=422)
    return RedirectResponse(f"/vendor/discovery?registered={id.strip()}", status_code=303)


def _register(desk: VendorDesk, who: Visitor, topic: str, wanted: Device) -> None:
    holder = Subject.parse(wanted.holder or "", HOLDERS)
    if not desk.records.sees(holder):
        raise NoSuchPage(f"{holder}: there is none with this id")
    with desk.site.pool.connection() as conn, conn.transaction():
        at = registry.lock_town(conn)
        proposal, offer = _offered(announced(conn, desk), topic)
        if offer.registered:
            raise CarewatchError(f"{topic} is {offer.registered}'s already")
        if registry.exists(conn, "devices", wanted.id):
            raise CarewatchError(f"device {wanted.id!r} is registered already; choose another id")
        device = Device(
            id=wanted.id,
            kind=wanted.kind,
            holder=str(holder),
            topic=offer.topic,
            gateway=proposal.owner or None,
            model=" ".join(filter(None, (proposal.maker.manufacturer, proposal.maker.model))),
        )
        inbox.register_device(conn, device, at, by=who.person)


def _offered(found: list[Proposal], topic: str) -> tuple[Proposal, Offer]:
    for proposal in found:
        for offer in proposal.offers:
            if offer.topic == topic:
                return proposal, offer
    raise NoSuchPage(f"{topic}: no device announces this topic")


def _page(
    desk: VendorDesk, *, registered: str = "", fault: str = "", status: int = 200
) -> HTMLResponse:
    with desk.site.pool.connection() as conn:
        found = announced(conn, desk)
    response = desk.page(
        "discovery.html",
        here="vendor",
        found=found[:LISTED],
        more=len(found) - LISTED,
        holders=holders(desk) if desk.who.may("register") else [],
        registered=registered if registered in desk.directory.devices else "",
        fault=fault,
    )
    response.status_code = status
    return response
