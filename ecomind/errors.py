"""The base of errors that are told to a person in one sentence.

Belongs here: the base class only. Each room raises its own subclass; the ``ecomind`` command
prints its message without a traceback.
"""


class EcoMindError(Exception):
    """Something a person can understand and mend; the message is one clear sentence."""
