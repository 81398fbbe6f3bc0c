"""Secrets are hidden wherever they are spelled, and nothing else is."""

import json
from urllib.parse import quote

from libs.common.run_sealing import MASK
from services.engine.domain.variables.secret_mask import SecretMask
from services.engine.domain.variables.values import Value


def test_it_is_found_at_any_depth_and_in_keys() -> None:
    values: dict[str, Value] = {
        "a": ["x s3 y", {"s3": [True, None, 1.5]}],
        "plain": "nothing",
    }
    assert SecretMask(["s3"]).values(values) == {
        "a": [f"x {MASK} y", {MASK: [True, None, 1.5]}],
        "plain": "nothing",
    }


def test_it_is_found_as_json_and_urls_spell_it() -> None:
    secret = 'a "q" / ü\n'
    mask = SecretMask([secret])
    for spelled in (json.dumps(secret)[1:-1], quote(secret, safe=""), repr({"k": secret})):
        shown = mask.text(f"<{spelled}>")
        assert MASK in shown
        assert "ü" not in shown
        assert "%C3%BC" not in shown


def test_the_longer_one_goes_first() -> None:
    assert SecretMask(["abc", "abcdef"]).text("abcdef") == MASK


def test_numbers_are_hidden_too() -> None:
    assert SecretMask([4711, "12"]).values({"a": 4711, "b": 12, "c": 5}) == {
        "a": MASK,
        "b": MASK,
        "c": 5,
    }


def test_an_empty_secret_hides_nothing() -> None:
    assert SecretMask(["", " "]).values({"a": "b c"}) == {"a": "b c"}


def test_unknown_secrets_hide_everything_but_names() -> None:
    mask = SecretMask(None, spared="no key")
    assert mask.values({"a": {"b": 1}, "c": "d"}) == {"a": MASK, "c": MASK}
    assert (mask.text("anything"), mask.text("no key")) == (MASK, "no key")


def test_addresses_of_stored_files_are_hidden_where_there_are_secrets() -> None:
    shown: dict[str, Value] = {"files": [{"url": "https://h/files/n.aGk_-.c2ln?x=1", "size": 2}]}
    assert SecretMask(["s3"]).values(shown) == {
        "files": [{"url": f"https://h{MASK}?x=1", "size": 2}]
    }
    assert SecretMask([]).values(shown) == shown
