"""``/v1/aggregate/daily``: footprints by day and group.

Belongs here: the parameters of the question and the forms of its answer. Does not belong here:
which rows those are (``ecomind.warehouse.daily``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from ecomind.identity import Principal, Scope
from ecomind.warehouse.columns import MEASURES, VERSIONS
from ecomind.warehouse.daily import GROUPS, Group, Page, columns, daily
from ecomind.warehouse.held import HeldSnapshot
from ecomind.warehouse.reader import Lens, OrgReader
from platform_api import caching
from platform_api.callers import Holding, guarded
from platform_api.problems import wrong_parameter
from platform_api.reads import cursors
from platform_api.representations import Media, arrow_bytes, chosen, csv_bytes, json_bytes
from platform_api.service import Service, ServiceOf

router = guarded("figures")
PATH = "/v1/aggregate/daily"
DEFAULT_DAYS = 30
DEFAULT_LIMIT = 1_000
LIMIT_MAX = 50_000

_TEXT = {"type": "string"}
_KEYS = ("team_id", "user_id", "provider", "model", "region", "zone_id", "source")
_EXAMPLE_ROW = {
    "usage_date": "2026-11-20",
    "provider": "anthropic",
    "model": "claude-opus-5-5",
    "events": 118,
    **dict.fromkeys(MEASURES[1 : -len(VERSIONS)], 1.5),
    "factor_set_id": "ecomind-2026.11",
    "method_version": "ecomind-2026.11",
}
ROW: dict[str, Any] = {
    "type": "object",
    "description": "A day of a group: the group's keys, then measures with their units in their"
    " names; low, mid and high are bounds and central value.",
    "required": ["usage_date", *MEASURES],
    "properties": {
        "usage_date": {"type": "string", "format": "date"},
        **dict.fromkeys(_KEYS, _TEXT),
        "events": {"type": "integer"},
        **{name: {"type": "number"} for name in MEASURES[1 : -len(VERSIONS)]},
        **dict.fromkeys(VERSIONS, _TEXT),
    },
}
PAGE: dict[str, Any] = {
    "type": "object",
    "required": ["data", "group_by", "start", "end", "lens", "next_cursor", "snapshot_id"],
    "properties": {
        "data": {"type": "array", "items": ROW},
        "group_by": {"enum": [group.value for group in Group]},
        "start": {"type": "string", "format": "date"},
        "end": {"type": "string", "format": "date"},
        "lens": {"enum": [lens.value for lens in Lens]},
        "next_cursor": {"type": ["string", "null"]},
        "snapshot_id": _TEXT,
        "published_at": {"type": "string", "format": "date-time"},
        "data_through": {"type": ["string", "null"], "format": "date-time"},
    },
    "examples": [
        {
            "data": [_EXAMPLE_ROW],
            "group_by": "model",
            "start": "2026-11-01",
            "end": "2026-11-30",
            "lens": "restated",
            "next_cursor": None,
            "snapshot_id": "20261121t100012000000z",
            "published_at": "2026-11-21T10:00:12Z",
            "data_through": "2026-11-21T09:58:41Z",
        }
    ],
}
_LINK = {
    "Link": {
        "description": 'The next page, `rel="next"`, if more rows follow.',
        "schema": {"type": "string"},
    }
}


class Question:
    """What is asked for, with its defaults filled in."""

    def __init__(
        self,
        group_by: Annotated[Group, Query(description="What each day is split by.")] = Group.ORG,
        start: Annotated[
            date | None, Query(description=f"First day (UTC); else {DEFAULT_DAYS} days to `end`.")
        ] = None,
        end: Annotated[date | None, Query(description="Last day (UTC); else today.")] = None,
        lens: Annotated[
            Lens, Query(description="As all is known now, or as each month was reported.")
        ] = Lens.RESTATED,
        limit: Annotated[
            int, Query(ge=1, le=LIMIT_MAX, description="Most rows of a page.")
        ] = DEFAULT_LIMIT,
        cursor: Annotated[
            str | None, Query(description="`next_cursor` of the page before.", max_length=2000)
        ] = None,
    ) -> None:
        """Raises ``Refused`` when the last day lies before the first."""
        self.group, self.lens, self.limit, self.cursor = group_by, lens, limit, cursor
        self.end = end or datetime.now(UTC).date()
        earliest = max(self.end.toordinal() - DEFAULT_DAYS + 1, 1)
        self.start = start or date.fromordinal(earliest)
        if self.start > self.end:
            raise wrong_parameter("start", "lies after `end`")

    def asked(self) -> tuple[str, ...]:
        """What makes two pages be of the same question."""
        return (self.group, self.start.isoformat(), self.end.isoformat(), self.lens)

    def next_address(self, cursor: str) -> str:
        """The address of the next page."""
        names = ("group_by", "start", "end", "lens")
        parameters = dict(zip(names, self.asked(), strict=True))
        return f"{PATH}?{urlencode({**parameters, 'limit': self.limit, 'cursor': cursor})}"


@router.get(
    PATH,
    summary="Footprints by day, split by organisation, team, user, model or another group",
    description="JSON, CSV or an Arrow stream by `Accept`. `user` takes `people:read`; without "
    "it, teams of fewer than five people stand together as `small-teams`. `source` is who told of "
    "the calls, such as a gateway, an SDK or the browser extension. Pages of one walk are "
    "of one publication; `410` says that it is no longer kept.",
    responses={
        200: {
            "description": "A page of rows, ordered by day and keys.",
            "headers": {**caching.DOCUMENTED, **_LINK},
            "content": {
                Media.JSON: {"schema": PAGE},
                Media.CSV: {"schema": _TEXT},
                Media.ARROW: {"schema": {"type": "string", "contentMediaType": Media.ARROW}},
            },
        },
        304: {"description": "Not changed."},
    },
    openapi_extra={"x-problems": ["not-acceptable", "snapshot-gone"]},
)
def aggregate_daily(
    request: Request,
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.TOTALS_READ))],
    question: Annotated[Question, Depends()],
) -> Response:
    """A page of daily rows."""
    if question.group is not Group.ORG:
        is_people = question.group is Group.USER
        service.store.authorize(principal, Scope.PEOPLE_READ if is_people else Scope.MARTS_READ)
    media = chosen(request.headers.get("accept"))
    keys = len(GROUPS[question.group].keys)
    asked = (principal.org_id, *question.asked())
    cursor = cursors.read(question.cursor, asked, keys) if question.cursor else None
    with _snapshot(service, cursor) as snapshot:
        etag = caching.tag(
            principal, snapshot.snapshot_id, media, *asked, question.limit, question.cursor
        )
        if caching.is_known(request, etag):
            return caching.not_modified(etag)
        page = daily(
            OrgReader(snapshot, principal, question.lens),
            question.group,
            question.start,
            question.end,
            limit=question.limit,
            after=cursor.position if cursor else None,
        )
    after, headers = None, caching.headers(etag)
    if page.last is not None:
        after = cursors.write(cursors.Cursor(snapshot.snapshot_id, page.last), asked)
        headers["link"] = f'<{question.next_address(after)}>; rel="next"'
    body = _body(media, question, page, after, snapshot)
    return Response(body, media_type=media.value, headers=headers)


def _snapshot(
    service: Service, cursor: cursors.Cursor | None
) -> AbstractContextManager[HeldSnapshot]:
    snapshots = service.snapshots
    return snapshots.published(cursor.snapshot_id) if cursor else snapshots.current()


def _body(
    media: Media, question: Question, page: Page, after: str | None, snapshot: HeldSnapshot
) -> bytes:
    table = page.table.select(columns(question.group))
    if media is Media.CSV:
        return csv_bytes(table)
    if media is Media.ARROW:
        return arrow_bytes(table)
    return json_bytes(
        {
            "data": table.to_pylist(),
            "group_by": question.group,
            "start": question.start,
            "end": question.end,
            "lens": question.lens,
            "next_cursor": after,
            "snapshot_id": snapshot.snapshot_id,
            "published_at": snapshot.published_at,
            "data_through": snapshot.data_through,
        }
    )
