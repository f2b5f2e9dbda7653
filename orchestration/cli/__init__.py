"""Commands that start things: ``ecomind up``, ``load``, ``report`` and ``doctor``.

Belongs here: arguments and what a person sees while they wait. Does not belong here: the work
itself.
"""
