"""A disk that fails when told, for every Python process that has this folder on its path.

Stands between ``os`` and the kernel. ``FAULTY_DISK`` names a file of rules as JSON; without the
file nothing fails. A rule: ``call`` and a ``path`` part it holds for, then what happens:
``delay_s``, ``errno``, the ``share`` of calls it hits (all) and, of a write, the ``kept`` part of
its bytes.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_RULES = os.environ.get("FAULTY_DISK", "")
_chance = random.Random()


def _rule(call: str, target: object) -> dict[str, Any] | None:
    if not _RULES or not Path(_RULES).exists():
        return None
    try:
        is_descriptor = isinstance(target, int)
        path = str(Path(f"/proc/self/fd/{target}").readlink() if is_descriptor else target)
        rules = json.loads(Path(_RULES).read_text())
    except (OSError, ValueError):
        return None
    for rule in rules:
        if (
            rule["call"] == call
            and rule["path"] in path
            and _chance.random() < rule.get("share", 1)
        ):
            return dict(rule)
    return None


def _fail(rule: dict[str, Any]) -> None:
    time.sleep(rule.get("delay_s", 0))
    if "errno" in rule:
        raise OSError(rule["errno"], os.strerror(rule["errno"]))


def _failing(call: str) -> Callable[..., Any]:
    real = getattr(os, call)

    def replacement(target: Any, *arguments: Any, **named: Any) -> Any:
        rule = _rule(call, target)
        if rule is not None:
            if call == "write":
                _write_part(target, arguments[0], rule)
            _fail(rule)
        return real(target, *arguments, **named)

    def _write_part(descriptor: int, data: bytes, rule: dict[str, Any]) -> None:
        kept = rule.get("kept", 0)
        share = _chance.random() if kept == "random" else float(kept)
        if "errno" in rule and int(share * len(data)):
            real(descriptor, bytes(data[: int(share * len(data))]))

    return replacement


for _call in ("write", "fdatasync", "fsync", "ftruncate", "rename", "unlink"):
    setattr(os, _call, _failing(_call))
