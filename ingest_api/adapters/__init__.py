"""One module per format an event may arrive in.

Every adapter has the signature of ``base.Adapter.parse``: a document in; parsed items out, with
a ``Problem`` in the place of an item that could not be read. A new format is one module here,
one sample with its golden output, and one line in ``ingest_api.routes``.
"""
