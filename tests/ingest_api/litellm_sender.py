"""Calls by LiteLLM itself, logged by its own callbacks to the addresses in the environment.

No model is asked: LiteLLM makes the answers up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import litellm
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger

from tests.ingest_api.planted import MARKER

CONTENT = MARKER
MESSAGES = [{"role": "user", "content": CONTENT}]
METADATA = {
    "tags": ["feature:rag", "urgent", "User-Agent: test"],
    "user_api_key_user_id": "u-7",
    "user_api_key_user_email": f"{CONTENT}@example.com",
    "user_api_key_hash": "88dc28d0f030c55ed4ab77ed",
    "user_api_key_team_id": "team-7",
    "greenscale_project": "search",
    "greenscale_application": "answer-api",
    "greenscale_team": "cc-1042",
}


async def call(call_id: str, model: str, **members: Any) -> None:
    answer = await litellm.acompletion(
        model=model,
        messages=MESSAGES,
        api_key="none",
        user="u-7",
        metadata=dict(METADATA),
        litellm_call_id=call_id,
        **members,
    )
    if members.get("stream"):
        async for _ in answer:
            pass


async def main() -> None:
    loggers = [GenericAPILogger(log_format=each) for each in ("json_array", "ndjson", "single")]
    litellm.callbacks = [*loggers, "openmeter"]
    litellm.success_callback = ["greenscale"]
    mocked = {"mock_response": CONTENT}
    azure = {"api_base": "https://contoso.openai.azure.com", "api_version": "2026-01-01"}
    await call("call-azure", "azure/gpt-4o", **azure, **mocked)
    await call("call-stream", "anthropic/claude-sonnet-4-5", stream=True, **mocked)
    with contextlib.suppress(litellm.RateLimitError):
        await call("call-failed", "openai/gpt-4o", mock_response="litellm.RateLimitError")
    until = time.monotonic() + 30
    while any(len(each.log_queue) < 3 for each in loggers) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    for each in loggers:
        await each.async_send_batch()
    await asyncio.sleep(0.5)


asyncio.run(main())
