"""Values of variables: what JSON can say. A file is an object with a mark (see `files`)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import JsonValue

    Value = JsonValue
else:
    # What reads JSON by these types takes nothing else anyway, and msgspec knows no recursive ones.
    Value = Any

Selector = tuple[str, ...]
"""`(node id or sys/env/conversation, name, *path)`."""


class Missing:
    """The one object that stands for "no such variable"; null is a value of its own."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()
