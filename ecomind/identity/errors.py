"""What the control store says when it refuses.

Belongs here: its one error. Does not belong here: the rules.
"""

from ecomind.errors import EcoMindError


class IdentityError(EcoMindError):
    """A change the control store refuses; says why in one sentence."""
