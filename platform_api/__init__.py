"""The platform over HTTP: reading what was published, administering who may do what.

Belongs here: addresses, credentials of requests, and the auditor's documents. Does not belong
here: receiving events, writing the warehouse, queries, or any computation.
"""
