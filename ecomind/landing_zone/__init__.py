"""The landing zone: where sealed files lie, a folder or S3-compatible object storage.

Belongs here: putting, listing, reading and removing landed files, the same for every kind of
storage. Does not belong here: what the files hold, or which of them were loaded.
"""

from ecomind.landing_zone.listing import LandedFile, Listing, apart, list_landed
from ecomind.landing_zone.zone import LandingZone, NotVerified, StorageTrouble, open_zone

__all__ = [
    "LandedFile",
    "LandingZone",
    "Listing",
    "NotVerified",
    "StorageTrouble",
    "apart",
    "list_landed",
    "open_zone",
]
