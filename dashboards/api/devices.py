"""Devices by API: who is there, who is silent, and whose clock is off."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from msgspec.structs import asdict

from dashboards.actions import NoSuchPage
from dashboards.api.answer import as_json, described
from dashboards.live.census import Signs
from dashboards.views.desk import DeskView, desk_of
from dashboards.views.moments import aware
from devices.directory import Device
from devices.subject import Subject
from ingest.history import DeviceDay, device_days

router = APIRouter(prefix="/api/v1", tags=["records"])
MOST = 10_000
LATELY = timedelta(days=30)


class ApiDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A registered device and how it does."""

    id: str
    kind: str | None
    holder: str | None
    topic: str | None
    model: str
    firmware: str
    maintenance: bool
    online: bool
    last_heard: datetime | None
    clock: str  # ok, ahead or quarantined: what its last reading showed


@router.get("/devices", openapi_extra=described(list[ApiDevice]))
def devices(
    desk: Annotated[DeskView, Depends(desk_of)],
    kind: str | None = None,
    holder: str | None = None,
    online: bool | None = None,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
) -> Response:
    """List devices by id; ask on with `after` = the last id you got."""
    signs = Signs(desk.board.heard, desk.board.gone, desk.now)
    fitting = (
        _shown(device, signs, desk)
        for device in sorted(desk.directory.devices, key=lambda device: device.id)
        if device.id > after
        and kind in (None, device.kind)
        and holder in (None, device.holder)
        and online in (None, signs.online(device))
        and desk.records.sees(Subject("device", device.id))
    )
    return as_json(list(islice(fitting, limit)))


@router.get("/devices/{id}/days", openapi_extra=described(list[DeviceDay]))
def days(
    id: str,
    desk: Annotated[DeskView, Depends(desk_of)],
    since: datetime | None = None,
    until: datetime | None = None,
) -> Response:
    """Count what a device sent on each UTC day of the last 30, or of those between two moments.

    The counts outlive the readings: positions go after 90 days.
    """
    if id not in desk.directory.devices or not desk.records.sees(Subject("device", id)):
        raise NoSuchPage(f"device {id}: there is none with this id")
    last = aware(until) or desk.now
    with desk.site.pool.connection() as conn:
        return as_json(device_days(conn, [id], aware(since) or last - LATELY, last))


def _shown(device: Device, signs: Signs, desk: DeskView) -> ApiDevice:
    now = {
        "online": signs.online(device),
        "last_heard": signs.heard.get(device.id),
        "clock": desk.board.clocks.get(device.id, "ok"),
    }
    return msgspec.convert({**asdict(device), **now}, ApiDevice)
