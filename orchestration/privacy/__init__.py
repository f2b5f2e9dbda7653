"""People erased and exported, and what is too old removed, across every store.

Belongs here: the steps and their order. Does not belong here: how a store is rewritten (the room it
belongs to), asking for it (``ecomind.identity.jobs``), or when it runs (``defs.privacy``). Every
function here needs the warehouse to itself: call them in a step of its pool.
"""
