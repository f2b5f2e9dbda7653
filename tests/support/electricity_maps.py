"""A file in the columns of Electricity Maps' zones, with invented figures.

Belongs here: writing such a file and changing it. Does not belong here: any figure of theirs.
"""

from __future__ import annotations

import csv
from pathlib import Path

GRAMS = {
    "DE": ("400", "420"),
    "SE": ("11", "12"),
    "IN": ("700", ""),
    "US-MIDA-PJM": ("310", "333"),
    "XX-NOWHERE": ("1", "2"),
}
"""Zone: grams of CO2e per kWh in 2025 and 2024; none for India in 2024."""
ROWS_COUNT = 9


def zone(zone_id: str, grams_2025: str, grams_2024: str, /, **change: str) -> dict[str, str]:
    """One row of such a file, with ``change`` in place of the defaults."""
    row = {
        "zone_id": zone_id,
        "zone_name": f"Invented {zone_id}",
        "g_co2e_per_kwh_2025": grams_2025,
        "g_co2e_per_kwh_2024": grams_2024,
        "renewable_pct_2025": "50",
        "data_year": "2025",
        "basis": "lifecycle",
        "accounting": "consumption (flow-traced)",
        "method": "location",
        "source": "invented for a test",
        "url": "https://example.org/zones",
        "licence": "ODbL 1.0",
        "dq_score": "4",
    }
    return {**row, **change}


def write_zones(path: Path, *rows: dict[str, str]) -> Path:
    """Write such a file; without rows, all zones of ``GRAMS``."""
    chosen = rows or tuple(zone(name, *grams) for name, grams in GRAMS.items())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(chosen[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(chosen)
    return path
