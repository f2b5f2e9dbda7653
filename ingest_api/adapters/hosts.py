"""What the host name of an API tells: who serves it, and where.

Belongs here: host names of providers. Does not belong here: regions as names of places (dbt
maps those), or hosts of customers' own gateways, which tell nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_REGIONAL = (
    re.compile(
        r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:vpce\.)?amazonaws\.com$"
    ),
    re.compile(r"(?:^|\.)([a-z]+(?:-[a-z]+)+\d)-aiplatform\.googleapis\.com$"),
    re.compile(r"^([a-z]+\d?)\.api\.cognitive\.microsoft\.com$"),
)
_GEOGRAPHIES: Mapping[str, str] = {"eu.api.openai.com": "eu", "us.api.openai.com": "us"}
_PROVIDERS: tuple[tuple[str, str], ...] = (
    ("openai.azure.com", "azure.ai.openai"),
    ("cognitive.microsoft.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("amazonaws.com", "aws.bedrock"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
    ("api.moonshot.ai", "moonshot_ai"),
)
_GEOGRAPHIC_MODEL = re.compile(r"(us|us-gov|eu|apac|jp|au|global)\.[a-z0-9-]+\.")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def host_of(url: object) -> str | None:
    """The host name of an address, lower-case, without port and path, or None."""
    if not isinstance(url, str):
        return None
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return None
    return host if host is not None and _HOST.fullmatch(host) else None


def provider_of(host: str | None) -> str | None:
    """The provider behind a host, as in OpenTelemetry's gen_ai.provider.name, or None."""
    if host is not None:
        for ending, provider in _PROVIDERS:
            if host == ending or host.endswith(("." + ending, "-" + ending)):
                return provider
    return None


def geography_of_model(model: str | None) -> str | None:
    """The geography in a cross-region model id, as ``us`` in ``us.anthropic.claude...``."""
    found = _GEOGRAPHIC_MODEL.match(model or "")
    return found[1] if found else None


def place(host: str | None, model: str | None = None) -> dict[str, str]:
    """Contract fields that tell where a host's inference runs; empty when it does not say.

    A model of several regions runs in any of them, whichever was asked.
    """
    geography = geography_of_model(model)
    if geography is not None:
        return {"inference_geo": geography, "region_source": "provider_reported"}
    if host is None:
        return {}
    for regional in _REGIONAL:
        found = regional.search(host)
        if found:
            return {"region": found[1], "region_source": "endpoint_host"}
    if host in _GEOGRAPHIES:
        return {"inference_geo": _GEOGRAPHIES[host], "region_source": "endpoint_host"}
    return {}
