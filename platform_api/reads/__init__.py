"""Addresses that read what was published.

Belongs here: one module per address. Does not belong here: any query: those are
``ecomind.warehouse``'s, where the organisation is added.
"""
