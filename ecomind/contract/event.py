"""The AI call: every field a client may send and every field the server adds.

A new event field is added here and nowhere else; ``ecomind contract export`` then rewrites
everything derived from it.
"""

from __future__ import annotations

from ecomind.contract.fields import Field, Table

SCHEMA_VERSION = "1"
TOKENS_MAX = 100_000_000

OPERATIONS = (
    "chat", "text_completion", "generate_content", "embeddings", "image_generation",
    "audio_transcription", "audio_speech", "video_generation", "rerank", "moderation",
    "ocr", "other",
)  # fmt: skip
STATUSES = ("success", "error", "cancelled", "cache_hit")
USAGE_SOURCES = (
    "provider_reported", "gateway_reported", "tokenizer_estimated", "chars_estimated", "missing",
)  # fmt: skip
REGION_SOURCES = ("provider_reported", "endpoint_host", "configured", "client_geo", "unknown")

CONTENT_KEYS = frozenset(
    {"prompt", "messages", "input", "output", "content", "response", "completion", "text", "system"}
)
"""Keys that carry what people wrote or read: dropped before anything is stored."""


def tokens(
    name: str, description: str, *, subset_of: str | None = None, aliases: tuple[str, ...] = ()
) -> Field:
    """A count of the tokens of one call."""
    return Field(
        name=name,
        kind="integer",
        description=description,
        unit="token",
        minimum=0,
        maximum=TOKENS_MAX,
        subset_of=subset_of,
        aliases=aliases,
        rejection_code="bad_token_count",
    )


def text(name: str, max_length: int, description: str) -> Field:
    """An optional string."""
    return Field(name=name, kind="string", max_length=max_length, description=description)


_IDENTITY = (
    Field(name="schema_version", kind="string", choices=(SCHEMA_VERSION,), default=SCHEMA_VERSION,
          description="Version of this contract."),
    Field(name="event_id", kind="string", required=True, min_length=1, max_length=128,
          pattern=r"^[\x21-\x7e]+$",
          description="Unique within (org_id, source); the same call sent again keeps its "
                      "event_id and occurred_at. UUIDv7 recommended."),
    Field(name="source", kind="string", default="urn:ecomind:native", min_length=1, max_length=256,
          pattern=r"^[\x21-\x7e]+$", description="URI of the producer instance."),
    Field(name="occurred_at", kind="timestamp", required=True, aliases=("ts",), unit="UTC",
          description="Start of the call."),
    Field(name="sent_at", kind="timestamp", unit="UTC",
          description="Client clock when the event was sent; only tells clock skew."),
)  # fmt: skip

_WHO = (
    text("project_id", 64, "Business grouping of calls."),
    text("environment", 32, "Deployment environment, such as prod or staging."),
    text("service", 128, "Application that made the call."),
    text("team_id", 64, "Team or cost centre; else the team of the user."),
    Field(name="user_id", kind="string", max_length=128, privacy="B", pseudonymised=True,
          description="Opaque id of the person or service account; stored as a keyed pseudonym."),
    Field(name="conversation_id", kind="string", max_length=128, privacy="B", pseudonymised=True,
          description="Conversation the call belongs to; dropped unless the installation keeps "
                      "its keyed pseudonym."),
)  # fmt: skip

_CALL = (
    Field(name="provider", kind="string", required=True, max_length=64,
          pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$",
          description="Who served the call, as in OpenTelemetry gen_ai.provider.name."),
    Field(name="request_model", kind="string", max_length=128, aliases=("model",),
          description="Model asked for. One of request_model and response_model is required."),
    text("response_model", 128, "Model that answered."),
    Field(name="operation", kind="string", choices=OPERATIONS, default="chat",
          description="What was asked of the model."),
    Field(name="status", kind="string", choices=STATUSES, default="success",
          description="Outcome; cache_hit means a gateway answered and no inference ran."),
    text("error_type", 64, "Low-cardinality class of the error."),
    Field(name="http_status", kind="integer", minimum=100, maximum=599,
          description="HTTP status of the provider's answer."),
    Field(name="stream", kind="boolean", description="Whether the answer was streamed."),
    Field(name="batch", kind="boolean", description="Whether a batch interface was used."),
    text("service_tier", 32, "Service tier, such as standard, priority, batch or flex."),
    Field(name="request_count", kind="integer", minimum=1, maximum=1_000_000, default=1,
          unit="call", description="Calls this event stands for; its token counts are their sum."),
    Field(name="sample_weight", kind="number", exclusive_minimum=0, maximum=1_000_000, default=1.0,
          description="Reciprocal of the sampling probability."),
)  # fmt: skip

_USAGE = (
    tokens("input_tokens", "All input tokens, including cache reads, cache writes and non-text.",
            aliases=("tokens_in",)),
    tokens("output_tokens", "All output tokens, including reasoning.", aliases=("tokens_out",)),
    tokens("cache_read_input_tokens", "Input tokens read from the provider's prompt cache.",
            subset_of="input_tokens"),
    tokens("cache_write_input_tokens", "Input tokens written to the provider's prompt cache.",
            subset_of="input_tokens"),
    tokens("reasoning_output_tokens", "Output tokens spent on reasoning.",
            subset_of="output_tokens"),
    tokens("audio_input_tokens", "Audio input tokens.", subset_of="input_tokens"),
    tokens("audio_output_tokens", "Audio output tokens.", subset_of="output_tokens"),
    tokens("image_input_tokens", "Image input tokens.", subset_of="input_tokens"),
    tokens("image_output_tokens", "Image output tokens.", subset_of="output_tokens"),
    tokens("video_input_tokens", "Video input tokens.", subset_of="input_tokens"),
    Field(name="images_count", kind="integer", minimum=0, maximum=100_000, unit="image",
          description="Images generated."),
    Field(name="audio_seconds", kind="number", minimum=0, maximum=1e7, unit="s",
          description="Audio transcribed or generated."),
    Field(name="video_seconds", kind="number", minimum=0, maximum=1e7, unit="s",
          description="Video generated."),
    Field(name="web_search_requests", kind="integer", minimum=0, maximum=1_000_000, unit="call",
          description="Web searches the model made."),
    Field(name="usage_source", kind="string", choices=USAGE_SOURCES, default="provider_reported",
          description="Who counted the tokens."),
    Field(name="duration_ms", kind="number", minimum=0, maximum=86_400_000, unit="ms",
          description="Duration of the call."),
    Field(name="ttft_ms", kind="number", minimum=0, maximum=86_400_000, unit="ms",
          description="Time to first token."),
)  # fmt: skip

_WHERE = (
    text("region", 64, "Cloud region where the inference ran."),
    Field(name="region_source", kind="string", choices=REGION_SOURCES, default="unknown",
          description="How the region is known."),
    text("inference_geo", 32, "Provider geography, such as us, eu or global."),
    Field(name="serving_scope", kind="string", choices=("Global", "DataZone", "Regional"),
          description="How widely the provider may route the call."),
    text("server_address", 253, "Host name of the API, without a path."),
    Field(name="client_country", kind="string", max_length=2, pattern="^[A-Z]{2}$", privacy="C",
          description="ISO 3166-1 alpha-2 country of the caller; never the place of inference."),
)  # fmt: skip

_MEASURED = (
    text("accelerator_type", 64, "Accelerator of a self-hosted model."),
    Field(name="accelerator_count", kind="number", minimum=0, maximum=1e6,
          description="Accelerators of a self-hosted model."),
    Field(name="measured_energy_wh", kind="number", minimum=0, maximum=1e9, unit="Wh",
          description="Metered IT energy of the call."),
    Field(name="reported_energy_wh", kind="number", minimum=0, maximum=1e9, unit="Wh",
          description="Energy as returned by the provider."),
    Field(name="reported_co2e_g", kind="number", minimum=0, maximum=1e9, unit="g",
          description="CO2e as returned by the provider."),
    text("reported_method", 128, "Who computed the reported values."),
    Field(name="cost_amount", kind="number", minimum=0, maximum=1e9,
          description="Cost of the call in cost_currency."),
    Field(name="cost_currency", kind="string", max_length=3, pattern="^[A-Z]{3}$",
          description="ISO 4217 code of the cost."),
)  # fmt: skip

_LINKS = (
    text("provider_response_id", 256, "The provider's id of the answer; not always unique."),
    text("gateway_call_id", 128, "Id minted by a gateway."),
    Field(name="trace_id", kind="string", max_length=32, pattern="^[0-9a-f]{32}$",
          description="OpenTelemetry trace id, hex."),
    Field(name="span_id", kind="string", max_length=16, pattern="^[0-9a-f]{16}$",
          description="OpenTelemetry span id, hex."),
    Field(name="tags", kind="tags", max_items=16, max_length=128,
          pattern=r"^[a-z][a-z0-9_.-]{0,39}$", description="Business labels; landed as JSON text."),
)  # fmt: skip

CLIENT_FIELDS: tuple[Field, ...] = (
    *_IDENTITY, *_WHO, *_CALL, *_USAGE, *_WHERE, *_MEASURED, *_LINKS,
)  # fmt: skip

RECEIPT = (
    Field(name="org_id", kind="string", required=True, max_length=64,
          description="Organisation, from the credential; a value in the body must equal it."),
    Field(name="key_id", kind="string", required=True, max_length=16,
          description="Public part of the API key that sent the event."),
    Field(name="received_at", kind="timestamp", required=True, unit="UTC",
          description="Server clock when the request was accepted."),
    Field(name="receipt_id", kind="string", required=True, max_length=32,
          description="Receipt of the request that brought the event."),
    Field(name="adapter", kind="string", required=True, max_length=32,
          description="Format the event arrived in."),
)  # fmt: skip

EVENTS = Table(
    name="events",
    grain="one row per accepted event; repeats are kept and resolved later",
    description="AI calls as accepted by the ingest API: metadata only, never content.",
    fields=(*RECEIPT, *CLIENT_FIELDS),
)
"""Client fields plus what the server adds on receipt."""

REJECTS = Table(
    name="rejects",
    grain="one row per rejected item",
    description="Items the ingest API refused: why and where, without the values at fault.",
    fields=(
        *RECEIPT,
        Field(name="rejection_id", kind="string", required=True, max_length=32,
              description="Id of the rejection, as answered to the client."),
        Field(name="item_index", kind="integer", required=True, minimum=0, maximum=1_000_000,
              description="Position of the item in its request."),
        Field(name="event_id", kind="string", max_length=128,
              description="The item's event_id, where it was well formed."),
        Field(name="code", kind="string", required=True, max_length=64,
              description="Stable code of the reason."),
        Field(name="pointer", kind="string", required=True, max_length=64,
              description="JSON pointer of the offending contract field; empty for the item."),
        Field(name="item", kind="string", max_length=32_768, privacy="B",
              description="The item's fields that are valid by themselves, as JSON, under the "
                          "contract's names; ids of people as pseudonyms. What a replay starts "
                          "from."),
    ),
)  # fmt: skip

OUTCOMES = Table(
    name="outcomes",
    grain="one row per sealed write-ahead segment",
    description="What each sealed segment held: lets the load be reconciled with the intake.",
    fields=(
        Field(name="node", kind="string", required=True, max_length=32,
              description="Machine that sealed the segment."),
        Field(name="sequence", kind="integer", required=True, minimum=1, maximum=10**12,
              description="Position of the segment in the node's monotone sequence."),
        Field(name="segment", kind="string", required=True, max_length=64,
              description="Name of the write-ahead segment."),
        Field(name="sealed_at", kind="timestamp", required=True, unit="UTC",
              description="When the segment was sealed."),
        Field(name="events_count", kind="integer", required=True, minimum=0, maximum=10**12,
              description="Events landed from the segment."),
        Field(name="rejects_count", kind="integer", required=True, minimum=0, maximum=10**12,
              description="Rejected items landed from the segment."),
        Field(name="buckets_count", kind="integer", minimum=0, maximum=10**12,
              description="Usage buckets landed from the segment; empty before there were any."),
        Field(name="damaged_count", kind="integer", required=True, minimum=0, maximum=10**12,
              description="Acknowledged records that were damaged on disk and set aside."),
        Field(name="torn_bytes", kind="integer", required=True, minimum=0, maximum=10**12,
              unit="byte", description="Bytes after the last whole record, never acknowledged."),
        Field(name="first_received_at", kind="timestamp", unit="UTC",
              description="Earliest receipt in the segment."),
        Field(name="last_received_at", kind="timestamp", unit="UTC",
              description="Latest receipt in the segment."),
    ),
)  # fmt: skip
