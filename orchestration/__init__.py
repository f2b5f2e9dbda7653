"""When things happen, in what order, and what must hold.

Belongs here: assets, jobs, schedules, sensors, checks, reports, alerts, and the commands that
start them, thin over functions of the other rooms. Does not belong here: formulas, or SQL that
belongs to dbt.
"""
