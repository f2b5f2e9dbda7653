"""From accepted bytes to immutable Parquet files.

Belongs here: the write-ahead log and its segments, and the sealer that turns segments into
landed files. Does not belong here: HTTP, the contract's rules, or reading the landing zone.

A segment's life: ``<name>.open`` (being written, flock held) -> ``<name>.ready`` ->
``<name>.<sequence>.sealing`` -> removed once its landed files are durable.
"""
