"""The fenced blocks of README.md, and of other pages."""

import re
from dataclasses import dataclass
from pathlib import Path

from deploy.local.layout import CHECKOUT

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`text` as it stands between the fences."""

    language: str
    text: str

    @property
    def name(self) -> str:
        """Its first line, for reports."""
        return self.text.split("\n", 1)[0][:60]

    def filled(self, *, url: str, app_key: str, workspace_key: str) -> str:
        """The text with a reader's own address and keys."""
        return (
            self.text.replace("http://127.0.0.1:8700", url)
            .replace("app-...", app_key)
            .replace("ws-...", workspace_key)
        )


def readme_blocks() -> list[Block]:
    """Every block, in order."""
    return blocks_of(CHECKOUT / "README.md")


def blocks_of(page: Path) -> list[Block]:
    """Every block of `page`, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(language=language, text=body) for language, body in _FENCE.findall(text)]
