"""The event contract: what one AI call is, defined once.

Belongs here: the fields of an AI call and of the landing zone's tables, the rules that judge
an event, the names of landed files, and the exports derived from them. Does not belong here:
HTTP, storage, or anything that turns tokens into energy (that is dbt's work).
"""
