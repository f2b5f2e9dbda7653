"""Addresses that change what the control store holds of an organisation.

Belongs here: one module per kind of thing. Does not belong here: any rule or transaction: those are
``ecomind.identity``'s, where every change is recorded.
"""
