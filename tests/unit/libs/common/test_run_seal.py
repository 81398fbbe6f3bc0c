"""What is sealed for a run opens for that run alone, at its place, with a key that is here."""

import base64
import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from libs.common.errors import PlatformFault
from libs.common.run_seal import RunSeal
from libs.common.run_sealing import required
from libs.common.sealed_box import SealedBoxRefused

_TENANT, _RUN = UUID(int=1), UUID(int=2)


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


_OLD, _NEW = _key(), _key()
_SEAL = RunSeal(SecretStr(_OLD))


@given(payload=st.binary(max_size=500), place=st.text(max_size=20))
def test_what_is_sealed_opens(payload: bytes, place: str) -> None:
    sealed = _SEAL.seal(payload, tenant_id=_TENANT, run_id=_RUN, place=place)
    assert _SEAL.reveal(sealed, tenant_id=_TENANT, run_id=_RUN, place=place) == payload


def test_it_shows_nothing_and_never_looks_the_same() -> None:
    first, second = (
        _SEAL.seal(b"a secret", tenant_id=_TENANT, run_id=_RUN, place="p") for _ in range(2)
    )
    assert b"secret" not in first
    assert first != second


@pytest.mark.parametrize(
    ("tenant", "run", "place"),
    [(UUID(int=9), _RUN, "p"), (_TENANT, UUID(int=9), "p"), (_TENANT, _RUN, "q")],
)
def test_it_stays_closed_elsewhere(tenant: UUID, run: UUID, place: str) -> None:
    sealed = _SEAL.seal(b"a", tenant_id=_TENANT, run_id=_RUN, place="p")
    with pytest.raises(SealedBoxRefused):
        _SEAL.reveal(sealed, tenant_id=tenant, run_id=run, place=place)


@given(data=st.data())
def test_altered_or_cut_it_stays_closed(data: st.DataObject) -> None:
    sealed = _SEAL.seal(b"a", tenant_id=_TENANT, run_id=_RUN, place="p")
    # The mark itself says that it is sealed at all.
    at = data.draw(st.integers(8, len(sealed) - 1))
    altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for broken in (altered, sealed[:at]):
        with pytest.raises(SealedBoxRefused):
            _SEAL.reveal(broken, tenant_id=_TENANT, run_id=_RUN, place="p")


def test_what_was_never_sealed_is_itself() -> None:
    assert _SEAL.reveal(b"[]", tenant_id=_TENANT, run_id=_RUN, place="p") == b"[]"


def test_a_master_key_is_replaced() -> None:
    both = RunSeal(SecretStr(f"{_NEW},{_OLD}"))
    old = _SEAL.seal(b"a", tenant_id=_TENANT, run_id=_RUN, place="p")
    new = both.seal(b"b", tenant_id=_TENANT, run_id=_RUN, place="p")
    assert both.reveal(old, tenant_id=_TENANT, run_id=_RUN, place="p") == b"a"
    with pytest.raises(SealedBoxRefused):
        _SEAL.reveal(new, tenant_id=_TENANT, run_id=_RUN, place="p")
    digest = _SEAL.digest("x", tenant_id=_TENANT, run_id=_RUN)
    assert both.digest("x", tenant_id=_TENANT, run_id=_RUN) == digest


def test_a_digest_is_the_runs_own() -> None:
    digests = {
        seal.digest("x", tenant_id=_TENANT, run_id=run)
        for seal in (_SEAL, RunSeal(SecretStr(_NEW)))
        for run in (_RUN, UUID(int=3))
    }
    assert len(digests) == 4


def test_without_a_key_nothing_is_written() -> None:
    with pytest.raises(PlatformFault):
        required(None)
