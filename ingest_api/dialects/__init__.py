"""How each family of formats is answered: its own documents, statuses and media types.

A dialect words an ``Outcome`` (something was judged) and a ``Refused`` (nothing was stored).
"""
