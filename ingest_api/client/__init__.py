"""The import client: files of AI calls, sent through the real endpoint.

Belongs here: reading files row by row and sending them in batches. Does not belong here: any
shortcut around the endpoint, or the rules of the contract (the endpoint judges every row).
"""
