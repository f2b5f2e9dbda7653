"""The names under which telemetry of AI calls goes, all generations of them.

Belongs here: attribute names and values and what they are in the contract. Does not belong
here: any rule about them. Sources: OpenTelemetry's GenAI conventions up to 1.36 (``<= 1.36``),
1.37 to 1.41 and the repository of their own since (``latest``); OpenLLMetry; OpenInference; the
Vercel AI SDK (``ai.*``); Langfuse's SDKs (``langfuse.*``); vLLM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_MODALITIES = {"audio": ("input", "output"), "image": ("input", "output"), "video": ("input",)}

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "provider": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "ai.model.provider",
    ),
    "request_model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.model_name",
        "embedding.model_name",
        "ai.model.id",
    ),
    "response_model": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "ai.response.model",
        "langfuse.observation.model.name",
    ),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "cache_read_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_write_input_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning_output_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.reasoningTokens",
    ),
    **{
        f"{modality}_{direction}_tokens": (f"gen_ai.usage.{modality}.{direction}_tokens",)
        for modality, directions in _MODALITIES.items()
        for direction in directions
    },
    "stream": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
    "provider_response_id": ("gen_ai.response.id", "ai.response.id"),
    "error_type": ("error.type",),
    "service_tier": (
        "gen_ai.openai.response.service_tier",
        "openai.response.service_tier",
        "anthropic.response.service_tier",
    ),
    "conversation_id": ("gen_ai.conversation.id", "session.id", "langfuse.session.id"),
    "user_id": (
        "enduser.id",
        "user.id",
        "enduser.pseudo.id",
        "langfuse.user.id",
        "traceloop.association.properties.user_id",
    ),
    "project_id": ("ecomind.project_id",),
    "team_id": ("ecomind.team_id",),
    "environment": (
        "deployment.environment.name",
        "deployment.environment",
        "langfuse.environment",
    ),
}
"""Contract fields by the attributes that hold them, the first one present wins."""

RANKED: Mapping[str, tuple[str, int]] = {
    name: (field, rank) for field, names in ATTRIBUTES.items() for rank, name in enumerate(names)
}

OPERATION = "gen_ai.operation.name"
VERCEL_OPERATION = "ai.operationId"
OPENINFERENCE_KIND = "openinference.span.kind"
LANGFUSE_TYPE = "langfuse.observation.type"
LANGFUSE_USAGE = "langfuse.observation.usage_details"
REQUEST_TYPE = "llm.request.type"
TRACELOOP_KIND = "traceloop.span.kind"
AGENT = "gen_ai.agent.name"
VERCEL_FRESH_TOKENS = "ai.usage.inputTokenDetails.noCacheTokens"
BESIDE: Mapping[str, str] = {
    "anthropic.usage.compaction.input_tokens": "input_tokens",
    "anthropic.usage.compaction.output_tokens": "output_tokens",
}
"""Counts of the same call that the usual attributes leave out."""
FIRST_CHUNK_MS = (
    ("gen_ai.response.time_to_first_chunk", 1000.0),
    ("gen_ai.latency.time_to_first_token", 1000.0),
    ("ai.response.msToFirstChunk", 1.0),
)
"""The time to the first token, and what makes milliseconds of it."""
SERVER = "server.address"
API_BASE = "gen_ai.openai.api_base"
EVENT_NAME = "event.name"
INFERENCE_DETAILS = "gen_ai.client.inference.operation.details"
SERVICE = "service.name"
CLOUD_REGION = "cloud.region"

OPERATIONS: Mapping[str, Mapping[str, str]] = {
    OPERATION: {
        "chat": "chat",
        "generate_content": "generate_content",
        "text_completion": "text_completion",
        "completion": "text_completion",
        "embeddings": "embeddings",
        "embedding": "embeddings",
        "image_generation": "image_generation",
        "video_generation": "video_generation",
        "audio_transcription": "audio_transcription",
        "transcription": "audio_transcription",
        "audio_speech": "audio_speech",
        "speech": "audio_speech",
        "rerank": "rerank",
        "moderation": "moderation",
        "ocr": "ocr",
    },
    VERCEL_OPERATION: {
        "ai.generatetext.dogenerate": "chat",
        "ai.streamtext.dostream": "chat",
        "ai.generateobject.dogenerate": "chat",
        "ai.streamobject.dostream": "chat",
        "ai.embed.doembed": "embeddings",
        "ai.embedmany.doembed": "embeddings",
        "ai.rerank.dorerank": "rerank",
    },
    OPENINFERENCE_KIND: {"llm": "chat", "embedding": "embeddings"},
    LANGFUSE_TYPE: {"generation": "chat", "embedding": "embeddings"},
    REQUEST_TYPE: {
        "chat": "chat",
        "completion": "text_completion",
        "embedding": "embeddings",
        "rerank": "rerank",
    },
    TRACELOOP_KIND: {},
}
"""Operations that own usage, by the attribute that names them, in order of trust.

What is not listed (agents, workflows, tools, plans, fetched answers) repeats the usage of the
calls below it or has none.
"""

SPAN_ATTRIBUTES = frozenset(
    {
        *RANKED,
        *OPERATIONS,
        *BESIDE,
        *(name for name, _ in FIRST_CHUNK_MS),
        LANGFUSE_USAGE,
        AGENT,
        VERCEL_FRESH_TOKENS,
        SERVER,
        API_BASE,
        EVENT_NAME,
    }
)
RESOURCE_FIELDS = ("environment", "user_id", "project_id", "team_id")
"""Contract fields that a whole resource may give; those of the operation win."""
RESOURCE_ATTRIBUTES = frozenset(
    {SERVICE, CLOUD_REGION, *(name for field in RESOURCE_FIELDS for name in ATTRIBUTES[field])}
)

PROVIDERS: Mapping[str, str] = {
    "amazon-bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "google": "gcp.gen_ai",
    "google_genai": "gcp.gen_ai",
    "google.vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "watsonx": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
}
SELF_HOSTED = frozenset(
    {"hosted_vllm", "llama.cpp", "llama_cpp", "llamafile", "lm_studio", "lmstudio", "local",
     "localai", "ollama", "ollama_chat", "self-hosted", "self_hosted", "sglang", "tgi", "vllm"}
)  # fmt: skip
"""Providers whose model runs where the reporting process runs, or beside it."""
SELF_HOSTED_SCOPES = ("vllm",)
GATEWAY_SCOPES = frozenset({"litellm"})

CACHE_EXCLUDED = frozenset({"ai"})
"""Scopes whose input tokens leave out Anthropic's cache tokens.

``ai`` is the Vercel AI SDK, up to the version that also tells the fresh tokens. OpenLLMetry,
OpenInference, OpenTelemetry's own instrumentations and Anthropic's SDK add them up.
"""

_VERCEL_SUFFIX = re.compile(
    r"\.(chat|responses|messages|completions?|(text-)?embeddings?|image|speech|transcription)$"
)
_NOT_IN_PROVIDER = re.compile(r"[^a-z0-9_.-]+")


def provider_name(value: object) -> str:
    """A provider under OpenTelemetry's name for it; ``unknown`` where there is none."""
    return _provider_name(value[:64]) if isinstance(value, str) else "unknown"


@lru_cache(1024)
def _provider_name(value: str) -> str:
    name = _VERCEL_SUFFIX.sub("", value.strip().lower())
    name = _NOT_IN_PROVIDER.sub("_", name).lstrip("_.-")
    return PROVIDERS.get(name, name) or "unknown"
