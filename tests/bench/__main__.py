"""`make bench`: one run on real Mosquitto and PostgreSQL, one markdown table.

What each row means: docs/reference/bench.md. Compare within one run only: machines differ.
"""

import argparse
import sys

import msgspec

from deploy import logs
from tests.bench.report import Table
from tests.bench.sections import EXTRAS, QUICK, SECTIONS, Scale, soaked, started
from tests.bench.shutdown import end_in_order


def options() -> argparse.Namespace:
    """What was asked for."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--messages", type=int, help="messages of a burst")
    asked.add_argument("--quick", action="store_true", help="all of it small, in about a minute")
    asked.add_argument("--morning", action="store_true", help="a night's positions at once, too")
    asked.add_argument("--million", action="store_true", help="with 1,000,000 devices, too")
    asked.add_argument("--clients", action="store_true", help="MQTT clients side by side, too")
    asked.add_argument("--soak", type=float, metavar="MINUTES", help="at half rate, alone")
    asked.add_argument("--soak-rate", type=float, help="messages a second; absent: half a burst's")
    asked.add_argument("--only", help="sections, with commas: " + ", ".join(SECTIONS | EXTRAS))
    return asked.parse_args()


def main() -> int:
    """The number of figures that miss their target is the exit status."""
    asked = options()
    logs.configure("warning")
    end_in_order()
    scale = QUICK if asked.quick else Scale()
    if asked.messages:
        scale = msgspec.structs.replace(scale, messages=asked.messages)
    table = Table()
    with started() as rig, rig.connect() as conn:
        table.head(conn)
    if asked.soak:
        table.add(*soaked(scale, asked.soak, asked.soak_rate))
        return len(table.missed)
    for name in sections(asked):
        for row in (SECTIONS | EXTRAS)[name](scale):
            table.add(row)
    return len(table.missed)


def sections(asked: argparse.Namespace) -> list[str]:
    """The names of what is to run."""
    if asked.only:
        return str(asked.only).split(",")
    return [*SECTIONS, *(name for name in EXTRAS if getattr(asked, name))]


if __name__ == "__main__":
    sys.exit(main())
