"""How long a caller would wait, by RFC 7240."""

import re

_WAIT = re.compile(r"^\s*wait\s*=\s*\"?(\d{1,9})\"?\s*$", re.IGNORECASE)


def preferred_wait(prefer: str | None) -> int | None:
    """The seconds of `wait=n` in a `Prefer` header; the first counts, None where there is none.

    What cannot be read is ignored, as the RFC asks.
    """
    for preference in (prefer or "").split(","):
        found = _WAIT.match(preference.partition(";")[0])
        if found:
            return int(found.group(1))
    return None
