"""One module per format an event may arrive in.

Every adapter has the signature of ``base.Adapter.parse``: bytes in; parsed items out, with a
``Problem`` in the place of an item that could not be read. A new format is one module here and
one line in ``BY_MEDIA_TYPE``.
"""

from ingest_api.adapters import native_json, native_ndjson
from ingest_api.adapters.base import Adapter, MalformedBody

BY_MEDIA_TYPE: dict[str, Adapter] = {
    media_type: adapter
    for adapter in (native_json.ADAPTER, native_ndjson.ADAPTER)
    for media_type in adapter.media_types
}

__all__ = ["BY_MEDIA_TYPE", "Adapter", "MalformedBody", "native_json", "native_ndjson"]
