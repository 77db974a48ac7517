"""How much is coming in and how late it is, second by second, over the last minute. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from dashboards.live.patch import Timing
from devices.readings import Reading

SECONDS = 60  # how far back it looks
LONGEST = 6000  # tenths of a second; whatever is later counts as this late


class Bucket(msgspec.Struct, frozen=True):
    """What was read in one second."""

    second: int  # Unix
    count: int = 0
    skewed: int = 0  # readings whose clock is not ok: their lag would be a lie
    lags: dict[int, int] = {}  # received - observed in tenths of a second -> readings


class Traffic(msgspec.Struct, frozen=True):
    """The buckets of the last minute, oldest first; quiet seconds have none."""

    buckets: tuple[Bucket, ...] = ()

    def with_readings(self, at: datetime, readings: Iterable[Reading]) -> "Traffic":
        """Return the traffic with readings that were read at `at`."""
        second = int(at.timestamp())
        open_now = bool(self.buckets) and self.buckets[-1].second >= second
        last = self.buckets[-1] if open_now else Bucket(second)
        earlier = self.buckets[:-1] if open_now else self.buckets
        return Traffic((*earlier, _grown(last, readings)))

    def at_second(self, now: datetime) -> "Traffic":
        """Return the traffic without what is older than a minute."""
        oldest = int(now.timestamp()) - SECONDS
        if not self.buckets or self.buckets[0].second > oldest:
            return self
        return Traffic(tuple(bucket for bucket in self.buckets if bucket.second > oldest))

    def rates(self, now: datetime) -> tuple[int, ...]:
        """Return how many readings there were in each of the last 60 whole seconds,
        oldest first."""
        counts = {bucket.second: bucket.count for bucket in self.buckets}
        current = int(now.timestamp())
        return tuple(counts.get(second, 0) for second in range(current - SECONDS, current))

    @property
    def skewed(self) -> int:
        """Return how many readings the lag leaves out because their device's clock is wrong."""
        return sum(bucket.skewed for bucket in self.buckets)

    def lag_p95(self) -> Timing:
        """Return the 95th percentile (nearest rank) of received - observed, in seconds."""
        lags: Counter[int] = Counter()
        for bucket in self.buckets:
            lags.update(bucket.lags)
        n = lags.total()
        rank = -(-n * 95 // 100)
        for lag in sorted(lags):
            rank -= lags[lag]
            if rank <= 0:
                return Timing(lag / 10, n)
        return Timing(None, 0)


def _grown(bucket: Bucket, readings: Iterable[Reading]) -> Bucket:
    count, skewed, lags = bucket.count, bucket.skewed, dict(bucket.lags)
    for reading in readings:
        count += 1
        if reading.clock != "ok":
            skewed += 1
        elif reading.observed_at is not None:
            late = (reading.received_at - reading.observed_at).total_seconds()
            lag = min(LONGEST, max(0, round(late * 10)))
            lags[lag] = lags.get(lag, 0) + 1
    return Bucket(bucket.second, count, skewed, lags)
