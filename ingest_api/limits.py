"""How many events a key and an organisation may send a minute.

Belongs here: counting them in memory, and the headers that say what is left. Does not belong
here: who a key belongs to (``credentials``) or how a refusal is worded (``dialects``).

Token buckets: a minute's worth may come at once, then as much as flows back. A request is
refused before its body is read, so what it holds is charged afterwards; a large batch may take
more than is left, and what follows waits until that is paid back.
"""

from __future__ import annotations

import time
from math import ceil

from ecomind.settings import Settings
from ingest_api.replies import Refused

_WINDOW_S = 60
_ALMOST_1 = 0.999
"""Added before cutting off decimals: seconds are rounded up."""
_REMEMBERED_MAX = 50_000


class Bucket:
    """Events that may still be sent; below zero while a batch is being paid back."""

    __slots__ = ("at", "capacity", "level", "name", "rate")

    def __init__(self, name: str, events_per_min: int, now: float) -> None:
        """Start full."""
        self.name = name
        self.capacity = events_per_min
        self.rate = events_per_min / _WINDOW_S
        self.level = float(events_per_min)
        self.at = now

    def refill(self, now: float) -> float:
        """Let flow back what time has brought; returns the level."""
        level = self.level + (now - self.at) * self.rate
        self.level = level if level < self.capacity else float(self.capacity)
        self.at = now
        return self.level


class Allowance:
    """What one key may send: its own bucket and its organisation's, where there is a limit."""

    __slots__ = ("_buckets", "_left", "_policy")

    def __init__(self, *buckets: Bucket) -> None:
        """Without buckets there is no limit."""
        self._buckets = buckets
        policies = (f'"{b.name}";q={b.capacity};w={_WINDOW_S}' for b in buckets)
        self._policy = ("ratelimit-policy", ", ".join(policies))
        self._left = ", ".join(f'"{b.name}";r=%d;t=%d' for b in buckets)

    def check(self) -> None:
        """Raises ``Refused`` while more was sent than allowed."""
        now = time.monotonic()
        for bucket in self._buckets:
            if bucket.refill(now) < 1:
                wait_s = ceil((1 - bucket.level) / bucket.rate)
                raise Refused("rate-limited", policy=bucket.name, retry_after_s=wait_s)

    def charge(self, events: int) -> None:
        """Take the events of a request."""
        for bucket in self._buckets:
            bucket.level -= events

    def describe(self, headers: list[tuple[str, str]]) -> None:
        """Add the headers that say what is left, and in how many seconds all of it will be."""
        if self._buckets:
            values: list[float] = []
            for bucket in self._buckets:
                level = bucket.level
                values.append(level if level > 0 else 0)
                values.append((bucket.capacity - level) / bucket.rate + _ALMOST_1)
            headers.append(self._policy)
            headers.append(("ratelimit", self._left % tuple(values)))


UNLIMITED = Allowance()


class Limits:
    """The buckets of every key and organisation seen; several workers share each limit evenly."""

    def __init__(self, settings: Settings) -> None:
        """Take limits from ``settings``; 0 is none."""
        self._workers = settings.ingest_workers
        self._per_key = settings.ingest_key_events_per_min
        self._per_org = settings.ingest_org_events_per_min
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def allowance(self, org_id: str, key_id: str, per_key: int | None = None) -> Allowance:
        """What a key may send; ``per_key`` is its own limit, in events a minute."""
        limits = (
            ("events", key_id, self._per_key if per_key is None else per_key),
            ("org-events", org_id, self._per_org),
        )
        buckets = [self._bucket(name, who, limit) for name, who, limit in limits if limit]
        return Allowance(*buckets)

    def _bucket(self, name: str, who: str, limit: int) -> Bucket:
        share, now = max(1, limit // self._workers), time.monotonic()
        known = self._buckets.get((name, who))
        if known is not None and known.capacity == share:
            return known
        if len(self._buckets) >= _REMEMBERED_MAX:
            self._forget_full(now)
        bucket = self._buckets[name, who] = Bucket(name, share, now)
        return bucket

    def _forget_full(self, now: float) -> None:
        """Drop buckets that a new one would not differ from."""
        busy = {k: b for k, b in self._buckets.items() if b.refill(now) < b.capacity}
        self._buckets = busy
