"""A day without the database fills no disk."""

from core.outage_log import AGAIN, OutageLog


class Lines:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    def info(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_once_then_once_a_minute_and_when_it_is_back() -> None:
    log, clock = Lines(), Clock()
    outage = OutageLog(log, clock=clock, lane="main")
    outage.back()
    for second in range(int(2 * AGAIN)):
        clock.now = float(second)
        outage.away("refused")
    outage.back()
    outage.back()
    assert log.lines == [
        ("database away", {"why": "refused", "seconds": 0, "tries": 1, "lane": "main"}),
        ("database away", {"why": "refused", "seconds": 60, "tries": 61, "lane": "main"}),
        ("database back", {"seconds": 119, "lane": "main"}),
    ]
    outage.away("refused")
    assert len(log.lines) == 4
