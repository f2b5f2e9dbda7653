"""Load: landed files and the control store become the raw schema.

Belongs here: dlt sources and the pipeline that runs them, usable without an orchestrator. Does
not belong here: Dagster, serving over HTTP, or any interpretation of what was loaded.
"""
