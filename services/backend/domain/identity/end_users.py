"""End users: known to us only by the name that an app's client gives them."""

from uuid import UUID, uuid5

DEFAULT_SESSION = "DEFAULT-USER"
"""Stands in where a client names nobody."""


def end_user_id(app_id: UUID, session_id: str) -> UUID:
    """The id of an app's end user: the same for the same name."""
    return uuid5(app_id, session_id)
