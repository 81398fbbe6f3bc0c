"""The statement that writes claims and ends of calls, and its columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from libs.common.contracts.envelope import Effect
from libs.common.database.text_array import text_array
from libs.common.keyed_calls.ledger import EndStatus

_IDS, _NUMBERS, _AS_IT_IS = "::text::uuid[]", "::text::integer[]", ""
_CLAIM_TYPES = (_IDS, _AS_IT_IS, _IDS, _NUMBERS, _AS_IT_IS, _AS_IT_IS, "::text::boolean[]")
_END_TYPES = (_IDS, _AS_IT_IS, _NUMBERS, _AS_IT_IS, _AS_IT_IS)
_Columns = tuple[Any, ...]  # Any: what asyncpg takes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClaim:
    """A call to be claimed."""

    tenant_id: UUID
    effect: Effect
    repeatable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEnd:
    """The end of a call to be recorded."""

    tenant_id: UUID
    key: str
    claim_number: int
    status: EndStatus
    payload: bytes


def settling(
    schema: str, claims: Sequence[NewClaim], ends: Sequence[NewEnd]
) -> tuple[str, _Columns]:
    """The statement, of whose parameters the first four are the ledger's, and the columns behind
    them."""
    return (
        _statement(schema, claims=bool(claims), ends=bool(ends)),
        (*(_claimed(claims) if claims else ()), *(_ended(ends) if ends else ())),
    )


@cache
def _statement(schema: str, *, claims: bool, ends: bool) -> str:
    wanted = _columns(_CLAIM_TYPES, 5 if claims else None)
    ended = _columns(_END_TYPES, (5 + len(_CLAIM_TYPES) * claims) if ends else None)
    return f"select * from {schema}.settle_calls($1, $2, $3, $4, {wanted}, {ended})"  # noqa: S608 - the schema is ours


def _columns(types: Sequence[str], first: int | None) -> str:
    """As parameters from number `first` on; None: there are no rows."""
    if first is None:
        return ", ".join(["'{}'"] * len(types))
    return ", ".join(f"${number}{cast}" for number, cast in enumerate(types, first))


def _claimed(claims: Sequence[NewClaim]) -> _Columns:
    return (
        text_array(each.tenant_id.hex for each in claims),
        [each.effect.key for each in claims],
        text_array(each.effect.run_id.hex for each in claims),
        text_array(str(each.effect.epoch) for each in claims),
        [each.effect.request_hash for each in claims],
        [each.effect.effect_class for each in claims],
        text_array("t" if each.repeatable else "f" for each in claims),
    )


def _ended(ends: Sequence[NewEnd]) -> _Columns:
    return (
        text_array(each.tenant_id.hex for each in ends),
        [each.key for each in ends],
        text_array(str(each.claim_number) for each in ends),
        [each.status for each in ends],
        [each.payload for each in ends],
    )
