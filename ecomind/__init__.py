"""The ground floor every room stands on.

Belongs here: the event contract, the settings, the control store, the paths of the
warehouse and the published snapshot, and the ``ecomind`` command's frame. Does not belong
here: anything that speaks HTTP, dlt, dbt, Dagster or Streamlit; a room contributes its own
commands through the ``ecomind.commands`` entry points instead of being imported.
"""

__version__ = "0.1.0"
