"""What an import adds to the rows of a file.

Belongs here: ids that are the same at every import of the same file, and the values that the
file lacks and the person importing it supplies. Does not belong here: reading or sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ingest_api.client.rows import Source


@dataclass(frozen=True, slots=True)
class Defaults:
    """Values for rows that have none; ``user_pool`` spreads rows over that many users."""

    provider: str | None = None
    model: str | None = None
    region: str | None = None
    team: str | None = None
    project: str | None = None
    org_id: str | None = None
    user_pool: int = 0

    def missing_for_trace(self) -> list[str]:
        """Options that a trace cannot be imported without."""
        needed = {"--provider": self.provider, "--model": self.model}
        return [option for option, value in needed.items() if value is None]


class Completer:
    """Completes the rows of one file, the same way at every import."""

    def __init__(self, source: Source, defaults: Defaults) -> None:
        """Ids derive from the file's content and the row's number, from nothing else."""
        self._id_prefix = f"imp_{source.sha256[:24]}"
        self._urn = f"urn:ecomind:import:{source.sha256[:12]}"
        self._defaults = defaults
        self._values = {
            "provider": defaults.provider,
            "region": defaults.region,
            "team_id": defaults.team,
            "project_id": defaults.project,
            "org_id": defaults.org_id,
        }

    def complete(self, item: dict[str, Any], number: int) -> dict[str, Any]:
        """The row with what it lacks; its own values win."""
        event = dict(item)
        if event.get("event_id") is None:
            # A row with its own id keeps its own source, or it could not be told to be a repeat.
            event["event_id"] = f"{self._id_prefix}_{number}"
            event.setdefault("source", self._urn)
        for name, value in self._values.items():
            if value is not None and event.get(name) is None:
                event[name] = value
        if event.get("region") is not None and "region_source" not in event:
            event["region_source"] = "configured"
        has_model = any(
            event.get(n) is not None for n in ("model", "request_model", "response_model")
        )
        if not has_model and self._defaults.model is not None:
            event["request_model"] = self._defaults.model
        if self._defaults.user_pool and event.get("user_id") is None:
            event["user_id"] = f"user-{(number - 1) % self._defaults.user_pool + 1:04d}"
        return event
