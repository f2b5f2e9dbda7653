"""The usage bucket: what a provider or a meter counted for many calls together.

Belongs here: the fields of a bucket. Does not belong here: calls (``event``). Buckets are never
added to calls: they are the control totals that calls are compared with.
"""

from __future__ import annotations

from ecomind.contract.event import OPERATIONS, RECEIPT, text
from ecomind.contract.fields import Field, Table

COUNT_MAX = 10**15
TEMPORALITIES = ("delta", "cumulative")


def _count(name: str, unit: str, description: str) -> Field:
    return Field(name=name, kind="integer", minimum=0, maximum=COUNT_MAX, unit=unit,
                 rejection_code="bad_token_count" if unit == "token" else "invalid_value",
                 description=description)  # fmt: skip


BUCKET_FIELDS: tuple[Field, ...] = (
    Field(name="connector", kind="string", required=True, min_length=1, max_length=64,
          pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$",
          description="What counted: a provider's usage report or a meter, such as otlp_metrics."),
    Field(name="series_id", kind="string", max_length=64, pattern=r"^[\x21-\x7e]+$",
          description="Series of a meter: its points belong together. Empty for reports."),
    Field(name="temporality", kind="string", choices=TEMPORALITIES, default="delta",
          description="delta: counted between start and end; cumulative: since start, so that "
                      "later points of the series include earlier ones."),
    Field(name="bucket_start", kind="timestamp", required=True, unit="UTC",
          description="From when was counted."),
    Field(name="bucket_end", kind="timestamp", required=True, unit="UTC",
          description="Until when was counted."),
    Field(name="provider", kind="string", required=True, max_length=64,
          pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$",
          description="Who served the calls, as in OpenTelemetry gen_ai.provider.name."),
    text("model", 128, "Model the calls used; empty where the report does not tell."),
    Field(name="operation", kind="string", choices=OPERATIONS, default="chat",
          description="What was asked of the model."),
    text("service", 128, "Application that made the calls."),
    text("project_ref", 128, "The provider's own id of the project or workspace."),
    text("api_key_ref", 128, "The provider's own id of the key, never the key."),
    Field(name="user_ref", kind="string", max_length=128, privacy="B", pseudonymised=True,
          description="The provider's own id of the person; stored as a keyed pseudonym."),
    text("service_tier", 32, "Service tier, such as standard, priority, batch or flex."),
    Field(name="batch", kind="boolean", description="Whether a batch interface was used."),
    text("inference_geo", 32, "Provider geography, such as us, eu or global."),
    text("region", 64, "Cloud region where the inference ran."),
    _count("request_count", "call", "Calls in the bucket."),
    _count("input_tokens", "token",
           "All input tokens, including cache reads, cache writes and non-text."),
    _count("cache_read_input_tokens", "token", "Input tokens read from the prompt cache."),
    _count("cache_write_input_tokens", "token", "Input tokens written to the prompt cache."),
    _count("output_tokens", "token", "All output tokens, including reasoning."),
    _count("reasoning_output_tokens", "token", "Output tokens spent on reasoning."),
    Field(name="cost_amount", kind="number", minimum=0, maximum=1e12,
          description="Cost of the bucket in cost_currency."),
    Field(name="cost_currency", kind="string", max_length=3, pattern="^[A-Z]{3}$",
          description="ISO 4217 code of the cost."),
)  # fmt: skip

BUCKETS = Table(
    name="buckets",
    grain="one row per accepted bucket; later reports of the same time replace earlier ones in dbt",
    description="Usage as counted by providers and meters: control totals, never added to calls.",
    fields=(*RECEIPT, *BUCKET_FIELDS),
)
