"""Which formats are taken where, and how each is answered.

Belongs here: the one table of intake addresses. Does not belong here: reading a format
(``adapters``), wording an answer (``dialects``) or HTTP (``rsgi``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest_api.adapters import (
    bedrock,
    cloudevents,
    cursor,
    greenscale,
    helicone,
    langfuse,
    litellm,
    native_json,
    native_ndjson,
    otlp,
    usage_pages,
)
from ingest_api.adapters.base import Adapter
from ingest_api.dialects import otlp as otlp_dialect
from ingest_api.dialects.base import Dialect
from ingest_api.dialects.gateways import GREENSCALE, LANGFUSE, LITELLM, OPENMETER
from ingest_api.dialects.native import NATIVE
from ingest_api.headers import Headers

_CHARSETS = ("", "charset=utf-8", "charset=us-ascii")


@dataclass(frozen=True, slots=True)
class Format:
    """A format as one address takes it."""

    adapter: Adapter
    dialect: Dialect = NATIVE


@dataclass(frozen=True, slots=True)
class Route:
    """An intake address: what it is for, and its formats by media type.

    The first format also answers what is refused before the format is known, and reads bodies
    without a Content-Type. ``mints_event_ids``: events that bring no id get one.
    """

    path: str
    summary: str
    formats: Mapping[str, Format]
    mints_event_ids: bool = False
    binary: Format | None = None
    """CloudEvents in binary mode, told by a header instead of the media type."""

    @property
    def all_formats(self) -> tuple[Format, ...]:
        """Every format the address takes, each once."""
        found = (*self.formats.values(), *(() if self.binary is None else (self.binary,)))
        return tuple({each.adapter.name: each for each in found}.values())

    @property
    def default(self) -> Format:
        """The first format."""
        return next(iter(self.formats.values()))

    def format_of(self, headers: Headers) -> Format | None:
        """The format of a request, or None when the address does not take it."""
        content_type = headers.get("content-type")
        if self.binary is not None and headers.get(cloudevents.BINARY_HEADER) is not None:
            return self._binary_format_of(content_type)
        if content_type is None:
            return self.default
        found = self.formats.get(content_type)
        if found is not None:
            return found
        essence, _, parameters = content_type.partition(";")
        charset = parameters.strip().lower().replace('"', "")
        return self.formats.get(essence.strip().lower()) if charset in _CHARSETS else None

    def _binary_format_of(self, content_type: str | None) -> Format | None:
        """Binary mode, unless the body is itself a CloudEvent or cannot be read as JSON."""
        essence = (content_type or "").partition(";")[0].strip().lower()
        if essence.startswith("application/cloudevents"):
            return self.formats.get(essence)
        return self.binary if cloudevents.is_json(content_type) else None


def _formats(*formats: Format) -> dict[str, Format]:
    return {media_type: each for each in formats for media_type in each.adapter.media_types}


_OTLP_TRACES = _formats(
    Format(otlp.TRACES_JSON, otlp_dialect.json_dialect(otlp_dialect.TRACES)),
    Format(otlp.TRACES_PROTOBUF, otlp_dialect.protobuf_dialect(otlp_dialect.TRACES)),
)
_OTLP_LOGS = _formats(
    Format(otlp.LOGS_JSON, otlp_dialect.json_dialect(otlp_dialect.LOGS)),
    Format(otlp.LOGS_PROTOBUF, otlp_dialect.protobuf_dialect(otlp_dialect.LOGS)),
)
_OTLP_METRICS = _formats(
    Format(otlp.METRICS_JSON, otlp_dialect.json_dialect(otlp_dialect.METRICS)),
    Format(otlp.METRICS_PROTOBUF, otlp_dialect.protobuf_dialect(otlp_dialect.METRICS)),
)

_ROUTES: Sequence[Route] = (
    Route(
        "/v1/ingest",
        "Send one AI call.",
        _formats(Format(native_json.SINGLE)),
        mints_event_ids=True,
    ),
    Route(
        "/v1/events",
        "Send AI calls.",
        _formats(
            Format(native_json.ADAPTER),
            Format(native_ndjson.ADAPTER),
            Format(cloudevents.STRUCTURED),
            Format(cloudevents.BATCH),
        ),
        binary=Format(cloudevents.BINARY),
    ),
    Route(
        "/api/v1/events",
        "Send token counts in OpenMeter's shape.",
        _formats(Format(cloudevents.OPENMETER, OPENMETER)),
    ),
    Route(
        "/v1/integrations/litellm",
        "Send LiteLLM's logging payloads.",
        _formats(Format(litellm.ADAPTER, LITELLM)),
    ),
    Route(
        "/v1/integrations/greenscale",
        "Send calls in Greenscale's shape.",
        _formats(Format(greenscale.ADAPTER, GREENSCALE)),
    ),
    Route(
        "/api/public/ingestion",
        "Send Langfuse's batches; generations are taken.",
        _formats(Format(langfuse.ADAPTER, LANGFUSE)),
    ),
    Route(
        "/v1/integrations/helicone",
        "Send Helicone's logs.",
        _formats(Format(helicone.ADAPTER)),
    ),
    Route(
        "/v1/integrations/bedrock",
        "Send Amazon Bedrock's model invocation log.",
        _formats(Format(bedrock.ADAPTER)),
    ),
    Route(
        "/v1/integrations/cursor",
        "Send Cursor's filtered usage events.",
        _formats(Format(cursor.ADAPTER)),
    ),
    Route(
        "/v1/integrations/openai-usage",
        "Send pages of OpenAI's organization usage.",
        _formats(Format(usage_pages.OPENAI)),
    ),
    Route(
        "/v1/integrations/anthropic-usage",
        "Send pages of Anthropic's usage report.",
        _formats(Format(usage_pages.ANTHROPIC)),
    ),
    Route("/v1/traces", "Send OpenTelemetry traces.", _OTLP_TRACES),
    Route("/v1/logs", "Send OpenTelemetry logs.", _OTLP_LOGS),
    Route("/v1/metrics", "Send OpenTelemetry metrics.", _OTLP_METRICS),
    Route("/otlp/v1/traces", "Send OpenTelemetry traces.", _OTLP_TRACES),
    Route("/otlp/v1/logs", "Send OpenTelemetry logs.", _OTLP_LOGS),
    Route("/otlp/v1/metrics", "Send OpenTelemetry metrics.", _OTLP_METRICS),
    Route("/api/public/otel/v1/traces", "Send traces as to Langfuse.", _OTLP_TRACES),
)

BY_PATH: Mapping[str, Route] = {route.path: route for route in _ROUTES}
