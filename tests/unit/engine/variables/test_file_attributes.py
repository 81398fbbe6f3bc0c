"""A selector reaches the attributes of a file, however it came."""

import pytest

from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.values import MISSING, Missing, Value

SENT: Value = {
    "type": "image",
    "transfer_method": "remote_url",
    "url": "https://x.test/a/cat.png",
}
STORED: Value = {
    "dify_model_identity": "__dify__file__",
    "type": "document",
    "filename": "paper.pdf",
    "size": 12,
    "object_key": "http/t/x",
}


@pytest.mark.parametrize(
    ("file", "path", "expected"),
    [
        (SENT, ("name",), "cat.png"),
        (SENT, ("extension",), ".png"),
        (SENT, ("url",), "https://x.test/a/cat.png"),
        (SENT, ("size",), -1),
        (SENT, ("mime_type",), ""),
        (SENT, ("name", "first"), MISSING),
        (SENT, ("width",), MISSING),
        (STORED, ("name",), "paper.pdf"),
        (STORED, ("size",), 12),
        (STORED, ("object_key",), "http/t/x"),
        ({"type": "image"}, ("name",), MISSING),
        ([SENT], ("name",), MISSING),
    ],
)
def test_attributes(file: Value, path: tuple[str, ...], expected: Value | Missing) -> None:
    pool = VariablePool()
    pool.put("start", "file", file)
    assert pool.get(("start", "file", *path)) == expected
