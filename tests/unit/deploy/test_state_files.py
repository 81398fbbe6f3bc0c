"""The small files of the state folder."""

import base64
import stat
from pathlib import Path

import pytest

from deploy.local.disk_space import require_space
from deploy.local.layout import CHECKOUT, Layout
from deploy.local.log_files import last_lines, rotate
from deploy.local.stack_error import LocalStackError
from deploy.local.stack_secrets import load_master_key, load_passwords


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    key, passwords = tmp_path / "master.key", tmp_path / "passwords.json"
    first = (load_master_key(key), load_passwords(passwords))
    assert (load_master_key(key), load_passwords(passwords)) == first
    assert len(base64.b64decode(first[0])) == 32
    assert {stat.S_IMODE(file.stat().st_mode) for file in (key, passwords)} == {0o600}


def test_damaged_secrets_are_refused_and_not_replaced(tmp_path: Path) -> None:
    damaged = tmp_path / "file"
    damaged.write_text("c2hvcnQ=")
    with pytest.raises(LocalStackError, match="32 bytes"):
        load_master_key(damaged)
    with pytest.raises(LocalStackError, match="damaged"):
        load_passwords(damaged)
    assert damaged.read_text() == "c2hvcnQ="


def test_a_full_log_is_moved_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"before\n" * 3)
        rotate(tmp_path, max_bytes=10)
        writer.write(b"after\n")
        rotate(tmp_path, max_bytes=10)
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "engine.log.1").read_bytes() == b"before\n" * 3


def test_last_lines_skip_empty_ones_and_forgive_a_missing_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log, 2) == []
    log.write_bytes(b"one\n\ntwo\xff\n  \nthree\n")
    assert last_lines(log, 2) == ["two\N{REPLACEMENT CHARACTER}", "three"]


def test_the_state_folder_can_be_named() -> None:
    assert Layout.from_environment({}).root == CHECKOUT / ".heddle"
    assert Layout.from_environment({"HEDDLE_STATE_DIR": "/srv/heddle"}).root == Path("/srv/heddle")


def test_too_little_disk_is_told_before_anything_starts(tmp_path: Path) -> None:
    require_space(tmp_path, needed=1)
    with pytest.raises(LocalStackError, match="HEDDLE_STATE_DIR"):
        require_space(tmp_path, needed=1 << 60)
