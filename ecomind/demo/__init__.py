"""A small invented company group for a first look: deterministic, seeded, honest about itself.

Belongs here: who is in it and what they called. Does not belong here: sending the calls; they
go through the real endpoint like anybody's.
"""
