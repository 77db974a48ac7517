"""Traffic whose alarms can be counted: who presses, and whose battery is low."""

import random
from datetime import datetime

from tests.bench.load import SITE, Load, Make, mixed
from tests.clock import utc_now

APART = 10  # hundreds of messages between the two reports of a low battery


def pressing(run: str, began: datetime) -> Make:
    """`mixed`, but no two presses are of one client (`presser`), and the battery of each button
    is reported low, twice (`low_battery`)."""
    make = mixed(run, began)

    def pressed(n: int) -> tuple[str, bytes]:
        topic, payload = make(n)
        if button := presser(n).replace("presser", "press"):
            return f"carewatch/v1/{SITE}/sos/{button}", payload
        if button := low_battery(n):
            head = payload[: payload.index(b',"person"')]
            return f"carewatch/v1/{SITE}/status/{button}", head + b',"battery":3}'
        return topic, payload

    return pressed


def presser(n: int) -> str:
    """The client who presses with the n-th message of `pressing`; "" where it is no press."""
    return f"presser-{n // 100}" if n % 100 == 99 else ""


def low_battery(n: int) -> str:
    """The button whose low battery the n-th message of `pressing` reports; "" where it is another
    message. The second report comes `APART` hundreds behind the first."""
    button = {98: n // 100, 97: n // 100 - APART}.get(n % 100, -1)
    return f"press-{button}" if button >= 0 else ""


def fresh(port: int, total: int, **settings: object) -> Load:
    """A load of mixed traffic with distinct presses, observed now, under ids of its own."""
    run = f"m{random.randrange(1 << 40):x}"
    load = Load(port, pressing(run, utc_now()), total, **settings)  # type: ignore[arg-type]
    return load
