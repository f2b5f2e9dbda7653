"""``python -m platform_api``: serve the auditor's pages."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from ecomind.identity import IdentityError
from ecomind.settings import get_settings
from platform_api.server import CannotServe, serve


def main() -> int:
    """Serve until interrupted; 1 after one sentence on stderr when that is not possible."""
    try:
        serve(get_settings())
    except (CannotServe, IdentityError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        print(f"error: the setting ECOMIND_{name} is wrong: {first['msg']}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
