"""Making the control store as the document says.

Belongs here: rehearsing and carrying out a plan, an organisation at a time, all or nothing. Does
not belong here: what differs (``plan``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from ecomind.apply.document import Document, DocumentUnusable
from ecomind.apply.plan import Comparison
from ecomind.identity import IdentityError, IdentityStore

Plan = Mapping[str, list[str]]
"""Steps as they are shown, by organisation; organisations without any are left out."""
TakeKey = Callable[[str, str, str], None]
"""Told of each key that is made: organisation, name and text."""


class _Undone(Exception):
    """Ends a rehearsal's transaction without keeping it."""


def rehearse(document: Document, store: IdentityStore, *, prune: bool) -> Plan:
    """What carrying out would change; everything is tried and undone, so a mistake shows now.

    Raises ``DocumentUnusable`` naming the place of the first step that is refused.
    """
    plan = {}
    for org_id in document.organizations:
        with suppress(_Undone), store.together(org_id) as within:
            steps, _ = _perform(document, org_id, within, prune)
            plan[org_id] = steps
            raise _Undone
    return {org_id: steps for org_id, steps in plan.items() if steps}


def carry_out(
    document: Document, store: IdentityStore, plan: Plan, take_key: TakeKey, *, prune: bool
) -> None:
    """Make the changes of a plan; an organisation's all or none, and in the file's order.

    Keys are handed over before the transaction ends, so that none is made whose text is lost.
    Raises ``DocumentUnusable`` when an organisation was changed by others since it was planned;
    it is left as it is then, and so are those after it.
    """
    for org_id, shown in plan.items():
        with store.together(org_id) as within:
            steps, keys = _perform(document, org_id, within, prune)
            if steps != shown:
                place = ("organizations", org_id)
                told = "was changed by somebody else meanwhile: run the command again"
                raise DocumentUnusable(document.told(place, told))
            for name, text in keys.items():
                take_key(org_id, name, text)


def _perform(
    document: Document, org_id: str, within: IdentityStore, prune: bool
) -> tuple[list[str], dict[str, str]]:
    """Steps as they are shown, and the keys that were made."""
    shown, keys = [], {}
    for step in list(Comparison(document, org_id, within).steps(prune)):
        try:
            made = step.perform(within)
        except IdentityError as error:
            raise DocumentUnusable(document.told(step.place, str(error))) from error
        shown.append(str(step))
        if step.makes_key is not None:
            keys[step.makes_key] = str(made)
    return shown, keys
