"""Arrays as Postgres writes them."""

from collections.abc import Iterable


def text_array(elements: Iterable[str]) -> str:
    """To be cast where it is used (`$1::text::uuid[]`). Only for numbers, ids and truth values:
    nothing is quoted.

    asyncpg looks at each element of a list to see whether it is a list itself, which takes several
    times as long as to encode it.
    """
    return f"{{{','.join(elements)}}}"
