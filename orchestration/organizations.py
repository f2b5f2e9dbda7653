"""Organisations as Dagster partitions.

Belongs here: the partition set of organisations and keeping it equal to the control store.
"""

from __future__ import annotations

import dagster as dg

from ecomind.identity import Actor, open_store
from ecomind.settings import Settings

ORGANIZATIONS = dg.DynamicPartitionsDefinition(name="organization")


def register_organizations(instance: dg.DagsterInstance, settings: Settings) -> list[str]:
    """Make every organisation of the control store a partition; returns their ids."""
    names = [
        info.org_id
        for info in open_store(settings, Actor.system("orchestration")).organizations.listed()
    ]
    known = set(instance.get_dynamic_partitions("organization"))
    new = [name for name in names if name not in known]
    if new:
        instance.add_dynamic_partitions("organization", new)
    return names
