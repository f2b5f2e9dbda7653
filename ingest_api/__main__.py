"""``python -m ingest_api``: the ingest service."""

from ingest_api.operation import main

if __name__ == "__main__":
    raise SystemExit(main())
