"""EcoLogits 0.11.3: its formula for GPU energy, for comparison.

Belongs here: its published equations and constants, as facts. Does not belong here: its host and
facility terms; both sides of the comparison are GPU energy alone.
"""

from __future__ import annotations

import math

_ALPHA, _BETA, _GAMMA = 1.1665273170451914e-6, -0.011205921025579175, 4.052928146734005e-5
_BITS, _OVERHEAD, _GPU_MEMORY_GB = 16, 1.2, 80
BATCH = 64


def gpus(total_params_b: float) -> int:
    """GPUs it assumes: weights at 16 bit plus a fifth, on 80 GB each, up to a power of two."""
    needed = math.ceil(_OVERHEAD * total_params_b * _BITS / 8 / _GPU_MEMORY_GB)
    return int(2 ** math.ceil(math.log2(needed)))


def joules_per_output_token(
    total_params_b: float, active_params_b: float, batch: float = BATCH
) -> float:
    """GPU energy per output token; as published the batch is always 64."""
    wh_per_gpu = _ALPHA * math.exp(_BETA * batch) * active_params_b + _GAMMA
    return gpus(total_params_b) * wh_per_gpu * 3600
