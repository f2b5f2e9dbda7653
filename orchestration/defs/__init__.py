"""Definitions, one file per stage of the journey.

Belongs here: assets, checks, jobs, schedules and sensors. Does not belong here: what they do;
each calls a function of the room that does it.
"""
