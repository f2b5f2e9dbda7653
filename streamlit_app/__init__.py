"""The dashboard: shows the published marts of one organisation.

Belongs here: pages, charts, number formatting and the key login. Does not belong here:
footprint formulas (they are dbt models), opening a warehouse file (``ecomind.warehouse``
does), or any figure that is not a sum, mean or ratio of mart columns.
"""
