"""Receive AI-usage events over HTTP and land them durably.

Belongs here: the endpoints, one adapter per format, the write-ahead log, the landing zone's
writer, and the client that imports files through the endpoint. Does not belong here: loading,
deduplicating or enriching events, or reading the warehouse.
"""
