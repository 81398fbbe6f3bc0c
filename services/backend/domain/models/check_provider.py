"""What an operator enters for a provider, against the catalogue."""

import difflib
from collections.abc import Collection, Mapping

from libs.common.contracts.providers import ProviderEntry, ProviderList
from libs.common.errors import ErrorDetail, InvalidInput

_NAMES = 3
_LIKENESS = 0.5


def check_provider(catalogue: ProviderList, name: str, entered: Mapping[str, str]) -> None:
    """`entered` holds the fields that are not empty.

    Raises InvalidInput, naming the field and the nearest names there are.
    """
    found = next((entry for entry in catalogue.providers if entry.id == name), None)
    if found is None:
        known = [entry.id for entry in catalogue.providers]
        message = f"there is no provider `{name}`{nearest(name, known)}"
        raise _refused(message, "/name", message)
    details = [*_unknown(found, entered), *_missing(found, entered)]
    if details:
        raise InvalidInput(
            f"These are not what `{name}` takes: {'; '.join(d.message for d in details)}",
            details=tuple(details),
        )


def nearest(name: str, known: Collection[str]) -> str:
    """`; did you mean ...?` with the most similar names, or all where few are like it."""
    close = difflib.get_close_matches(name, [*known], n=_NAMES, cutoff=_LIKENESS)
    if close:
        return f"; did you mean {' or '.join(f'`{each}`' for each in close)}?"
    return f"; known are {', '.join(f'`{each}`' for each in sorted(known))}" if known else ""


def _unknown(entry: ProviderEntry, entered: Mapping[str, str]) -> list[ErrorDetail]:
    known = [field.name for field in entry.fields]
    return [
        ErrorDetail(pointer=f"/{name}", message=f"`{name}` is no field{nearest(name, known)}")
        for name in entered
        if name not in known
    ]


def _missing(entry: ProviderEntry, entered: Mapping[str, str]) -> list[ErrorDetail]:
    return [
        ErrorDetail(pointer=f"/{field.name}", message=f"`{field.name}` ({field.label}) is missing")
        for field in entry.fields
        if field.required and field.name not in entered
    ]


def _refused(message: str, pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(message, details=(ErrorDetail(pointer=pointer, message=detail),))
