"""A box opens for whom it was sealed, with a key that is here, and unaltered."""

import base64
import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from libs.common.sealed_box import SealedBox, SealedBoxRefused

_TENANT = UUID(int=1)


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


_OLD, _NEW = _key(), _key()
_BOX = SealedBox(SecretStr(_OLD))


@given(secret=st.binary(max_size=500), purpose=st.text(max_size=20))
def test_a_sealed_secret_opens(secret: bytes, purpose: str) -> None:
    box = _BOX.seal(secret, tenant_id=_TENANT, purpose=purpose)
    assert box.isascii()
    assert _BOX.open(box, tenant_id=_TENANT, purpose=purpose) == secret


def test_two_boxes_of_one_secret_differ() -> None:
    boxes = {_BOX.seal(b"s", tenant_id=_TENANT, purpose="p") for _ in range(10)}
    assert len(boxes) == 10


@pytest.mark.parametrize(("tenant", "purpose"), [(2, "p"), (1, "q"), (1, "")])
def test_a_box_is_bound_to_its_tenant_and_purpose(tenant: int, purpose: str) -> None:
    box = _BOX.seal(b"s", tenant_id=_TENANT, purpose="p")
    with pytest.raises(SealedBoxRefused):
        _BOX.open(box, tenant_id=UUID(int=tenant), purpose=purpose)


@given(data=st.data())
def test_an_altered_box_is_refused(data: st.DataObject) -> None:
    box = _BOX.seal(b"a secret", tenant_id=_TENANT, purpose="p")
    raw = bytearray(base64.urlsafe_b64decode(box + b"=" * (-len(box) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealedBoxRefused):
        _BOX.open(base64.urlsafe_b64encode(raw), tenant_id=_TENANT, purpose="p")


@pytest.mark.parametrize("box", [b"", b"AQ", b"not a box", "é".encode(), b"AQ" * 20])
def test_what_is_no_box_is_refused(box: bytes) -> None:
    with pytest.raises(SealedBoxRefused):
        _BOX.open(box, tenant_id=_TENANT, purpose="p")


def test_a_master_key_can_be_replaced() -> None:
    old = _BOX.seal(b"s", tenant_id=_TENANT, purpose="p")
    both = SealedBox(SecretStr(f"{_NEW},{_OLD}"))
    assert both.open(old, tenant_id=_TENANT, purpose="p") == b"s"
    new = both.reseal(old, tenant_id=_TENANT, purpose="p")
    assert both.reseal(new, tenant_id=_TENANT, purpose="p") == new
    assert SealedBox(SecretStr(_NEW)).open(new, tenant_id=_TENANT, purpose="p") == b"s"
    with pytest.raises(SealedBoxRefused, match="master key"):
        _BOX.open(new, tenant_id=_TENANT, purpose="p")


@pytest.mark.parametrize(
    "key",
    ["", "short", "!" * 44, f"{_OLD},"],
    ids=["none", "short", "no base64", "empty second"],
)
def test_a_master_key_of_another_kind_is_refused(key: str) -> None:
    with pytest.raises(SealedBoxRefused):
        SealedBox(SecretStr(key))
