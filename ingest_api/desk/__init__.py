"""Addresses beside the intake of formats: what became of events, imports, documents.

Belongs here: one small module per concern, ``base`` (what an endpoint is) and ``table`` (all of
them). Does not belong here: HTTP (``rsgi``), or taking events in a format (``routes``).
"""
