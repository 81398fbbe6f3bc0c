"""The page about node types tells what the catalogue holds."""

import re

from services.engine.domain.nodes.catalogue import CATALOGUE
from tests.architecture.source_tree import ROOT

PAGE = ROOT / "docs/guides/nodes.md"
_ROW = re.compile(r"^\| `([\w-]+)` \|[^|]+\|[^|]+\| (yes|no) \|", re.MULTILINE)


def test_every_node_type_has_a_row_that_tells_whether_it_is_retried() -> None:
    rows = {name: retry == "yes" for name, retry in _ROW.findall(PAGE.read_text(encoding="utf-8"))}
    retried = {name: kind.retryable for name, kind in CATALOGUE.items()}
    assert rows == retried, "docs/guides/nodes.md: one row a node type"
