"""One file per page of the dashboard, named as in its address.

Belongs here: which figures, charts and tables a page shows. Does not belong here: how they
are read, summed, formatted or drawn.
"""
