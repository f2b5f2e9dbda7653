"""Services that read what was published, over HTTP.

Belongs here: serving the auditor's documents behind a key. Does not belong here: receiving
events, writing the warehouse, or any computation.
"""
