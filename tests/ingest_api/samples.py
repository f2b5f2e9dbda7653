"""The samples of every format, and how what an adapter makes of them is compared.

``expected_canonical.json`` is the golden output. Compared are an adapter's items, as the contract
judges them: times as moments, absent fields as the contract's defaults, and ids of people as the
adapter hands them on, before the contract makes pseudonyms of them. Where the golden file shows
such an id hashed already (those with an ``@``), so is the adapter's, with the file's own key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecomind.contract.bucket import BUCKET_FIELDS
from ecomind.contract.codec import EPOCH, Judged, Rules, judge, judge_bucket
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.plain import as_item
from ecomind.contract.plain_forms import PlainEvent
from ingest_api.adapters.base import Adapter, Bucket, Document

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "payloads"
GOLDEN_KEY = b"per-org-secret-EXAMPLE"
RECEIVED_AT = datetime(2026, 11, 21, 10, 0, 5, tzinfo=UTC)
RULES = Rules(
    org_id="acme",
    received_at=RECEIVED_AT,
    max_future=timedelta(minutes=5),
    max_age=timedelta(days=400),
    pseudonymise=None,
)
_DEFAULTS = {f.name: f.default for f in (*CLIENT_FIELDS, *BUCKET_FIELDS) if f.default is not None}
_TIMES = {f.name for f in (*CLIENT_FIELDS, *BUCKET_FIELDS) if f.kind == "timestamp"}


_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_EPOCH_UNITS = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}


def fresh(value: Any, shift: timedelta | None = None) -> Any:
    """A sample's JSON with every time in it as far from now as it was from its receipt."""
    shift = datetime.now(UTC) - RECEIVED_AT if shift is None else shift
    if isinstance(value, dict):
        return {name: fresh(each, shift) for name, each in value.items()}
    if isinstance(value, list):
        return [fresh(each, shift) for each in value]
    if isinstance(value, str) and _ISO.fullmatch(value):
        return (datetime.fromisoformat(value) + shift).isoformat()
    if isinstance(value, str) and value.isdecimal() and value.startswith("179"):
        unit = _EPOCH_UNITS.get(len(value))
        return value if unit is None else str(int(value) + int(shift.total_seconds()) * unit)
    if isinstance(value, int | float) and 1.79e9 < value < 1.8e9:
        return value + int(shift.total_seconds())
    return value


def fresh_sample(name: str) -> Any:
    return fresh(json.loads(sample(name)))


def sample(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def expected() -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(sample("expected_canonical.json"))
    return golden


def document(name: str) -> Document:
    """A sample as a request: its body, and its headers where the sample has any."""
    if name.endswith(".http.json"):
        request = json.loads(sample(name))
        return Document(json.dumps(request["body"]).encode(), request["headers"])
    return Document(sample(name), {})


def judged(item: object, adapter: Adapter) -> Judged:
    if isinstance(item, Bucket):
        return judge_bucket(item.fields, RULES)
    if isinstance(item, PlainEvent):
        item = as_item(item)
    return judge(item, RULES, is_foreign=adapter.is_foreign)


def rows(adapter: Adapter, sent: Document) -> list[dict[str, Any]]:
    """What the contract accepts of a document, or a failure that says why not."""
    found = []
    for item in adapter.parse(sent):
        result = judged(item, adapter)
        assert result.row is not None, result.problems
        assert all(warned.code != "value_discarded" for warned in result.warnings)
        found.append(plain(result.row))
    return found


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of either side in one spelling."""
    return {
        name: _spelled(name, value)
        for name, value in row.items()
        if value is not None and _DEFAULTS.get(name) != value
    }


def _spelled(name: str, value: Any) -> Any:
    if name in _TIMES:
        return _moment(value)
    if name == "tags" and isinstance(value, str):
        return json.loads(value)
    if name == "user_id" and "@" in value:
        return f"h_{hmac.new(GOLDEN_KEY, value.encode(), hashlib.sha256).hexdigest()[:32]}"
    return value


def _moment(value: object) -> datetime:
    if isinstance(value, int):
        return EPOCH + timedelta(microseconds=value)
    return datetime.fromisoformat(str(value))
