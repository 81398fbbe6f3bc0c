"""What clients say of their files: names made safe, kinds told, rules applied."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.identifiers import uuid7
from services.backend.domain.files.file_kinds import FileKind, SizeLimits, kind_of
from services.backend.domain.files.file_names import extension_of, mime_type_of, safe_name
from services.backend.domain.files.file_rules import FileRules, feature_rules, variable_rules
from services.backend.domain.files.file_values import (
    FileRefused,
    file_value,
    names_objects,
    stored_uploads,
)
from services.backend.domain.files.records import FileOwner, UploadedFile
from services.backend.domain.files.stored_uploads import file_of, object_key

ANYTHING = FileRules(kinds=frozenset(), extensions=None, methods=frozenset())


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\tmp\\Ré sumé.PDF", "Ré sumé.PDF"),
        ("a\x00\x1b\u202egnp.exe\r\n", "agnp.exe"),
        ("  .env ", ".env"),
        ("..", ""),
        ("x" * 300 + ".tar", "x" * 196 + ".tar"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_name_is_made_safe(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


@given(st.text())
def test_no_name_leaves_its_place_or_its_bounds(text: str) -> None:
    name = safe_name(text)
    assert not {"/", "\\", "\x00", "\n"} & set(name)
    assert len(name) <= 200
    assert name.strip(". ") or not name
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "said", "mime_type"),
    [
        ("a.txt", "", "text/plain"),
        ("a.txt", "Application/PDF; x=y", "application/pdf"),
        ("a.txt", "no type", "text/plain"),
        ("a.txt", "text/html\r\nx: y", "text/plain"),
        ("a.unheard", "", ""),
    ],
)
def test_a_mime_type_is_one_or_what_the_name_tells(name: str, said: str, mime_type: str) -> None:
    assert mime_type_of(name, said) == mime_type


@pytest.mark.parametrize(
    ("extension", "mime_type", "kind"),
    [
        ("png", "text/plain", "image"),
        ("docx", "", "document"),
        ("", "video/x-matroska", "video"),
        ("py", "text/x-python", "document"),
        ("zip", "application/zip", "custom"),
    ],
)
def test_the_extension_tells_the_kind_first(extension: str, mime_type: str, kind: FileKind) -> None:
    assert kind_of(extension, mime_type) == kind


def test_the_claimed_type_buys_no_more_room() -> None:
    limits = SizeLimits()
    assert limits.most_bytes("mp4") == 100 * 1024 * 1024
    assert limits.most_bytes(extension_of("a.bin")) == 15 * 1024 * 1024
    assert limits.largest_bytes == 100 * 1024 * 1024


def test_rules_are_read_from_variables_and_features() -> None:
    told: Any = {
        "allowed_file_types": ["image", "custom"],
        "allowed_file_extensions": [".JPG", "md"],
        "allowed_file_upload_methods": ["local_file"],
    }
    rules = variable_rules({"type": "file-list", "max_length": 4, **told})
    assert rules == FileRules(
        kinds=frozenset({"image", "custom"}),
        extensions=frozenset({"jpg", "md"}),
        methods=frozenset({"local_file"}),
        most=4,
    )
    assert variable_rules({"type": "file", "max_length": 4}).most == 0
    upload = {"enabled": True, "number_limits": 2, **told}
    found = feature_rules({"file_upload": upload})
    assert found is not None
    assert (found.most, found.kinds) == (2, rules.kinds)
    for off in ({}, {"file_upload": {**upload, "enabled": False}}, {"file_upload": None}):
        assert feature_rules(off) is None


def upload(file_id: UUID) -> UploadedFile:
    tenant_id = uuid7()
    return UploadedFile(
        file_id=file_id,
        owner=FileOwner(tenant_id=tenant_id, app_id=uuid7(), end_user_id=uuid7()),
        name="plan.pdf",
        extension="pdf",
        mime_type="application/pdf",
        size=4,
        object_key=object_key(tenant_id, file_id, "x"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_a_value_can_be_given_again_and_names_its_upload() -> None:
    file_id = uuid7()
    uploads = {file_id: upload(file_id)}
    asked: Any = {"transfer_method": "local_file", "upload_file_id": str(file_id)}
    value = file_value(asked, ANYTHING, uploads, lambda each: f"https://h/{each}")
    assert file_value(value, ANYTHING, uploads, lambda each: f"https://h/{each}") == value
    assert [*stored_uploads({"a": [{"b": value}]})] == [file_id]
    assert names_objects([{"deep": value}])
    assert not names_objects(asked)
    owner = uploads[file_id].owner
    assert file_of(uploads[file_id].object_key) == (owner.tenant_id, file_id)


@pytest.mark.parametrize(
    "url", ["", "ftp://x/y", "//x/y", "http://", "https://[x/", "https://x/" + "y" * 9000]
)
def test_an_address_that_is_none_is_refused_under_any_name(url: str) -> None:
    for name in ({}, {"filename": "a.png"}):
        with pytest.raises(FileRefused):
            file_value({"transfer_method": "remote_url", "url": url, **name}, ANYTHING, {}, str)
