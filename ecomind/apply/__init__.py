"""Configuration as code: what ``ecomind apply`` reads, compares and carries out.

Belongs here: the document, the difference to the control store, and making it. Does not belong
here: the rules of what may be stored (``ecomind.identity``) or printing (``ecomind.cli``).
"""
