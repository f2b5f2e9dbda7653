"""What the control store says when it refuses.

Belongs here: its errors. Does not belong here: the rules.
"""

from ecomind.errors import EcoMindError


class IdentityError(EcoMindError):
    """A change the control store refuses; says why in one sentence.

    ``member`` names the part of the change that breaks a rule, where it is one.
    """

    def __init__(self, reason: str, member: str | None = None) -> None:
        """Refuse for a reason."""
        super().__init__(reason)
        self.member = member


class NotFound(IdentityError):
    """What should be changed or read does not exist, or not in this organisation."""


class Conflict(IdentityError):
    """What should be made exists already, or something else depends on it."""


class Forbidden(IdentityError):
    """Who asks may not; says in one sentence what is missing.

    ``asked`` is what was asked for, as the audit log tells it.
    """

    def __init__(self, reason: str, asked: str = "") -> None:
        """Refuse for a reason."""
        super().__init__(reason)
        self.asked = asked


class SignInTooOld(Forbidden):
    """What is asked takes a fresh sign-in, and this one is not."""


class TokenRefused(IdentityError):
    """A token or code that proves nothing; says why in one sentence, without quoting it."""


class IssuerUnavailable(IdentityError):
    """An issuer's keys cannot be had now, so nothing can be said of its tokens."""
