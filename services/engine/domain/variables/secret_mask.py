"""What stands in place of secrets where a run is shown."""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from libs.common.run_sealing import MASK
from libs.common.stored_file_links import LINK_PATTERN
from services.engine.domain.variables.values import Value


class SecretMask:
    """Replaces the text of `secrets` wherever it appears, also as JSON and URLs spell it, and the
    addresses of stored files.

    `secrets` None: they are not known, so everything is replaced but the text `spared`. What code
    or a template made of a secret is not recognised. `inputs_too`: what the run was given may hold
    them, because whoever called it has some.
    """

    __slots__ = ("_pattern", "_spared", "inputs_too")

    def __init__(
        self,
        secrets: Iterable[Value] | None,
        *,
        spared: str | None = None,
        inputs_too: bool = False,
    ) -> None:
        self._spared = spared
        self.inputs_too = inputs_too
        self._pattern: re.Pattern[str] | None = None
        if secrets is not None:
            spelled = {text for secret in secrets for text in _spellings(secret) if text.strip()}
            longest_first = sorted(spelled, key=len, reverse=True)
            # A file that was stored may hold what is not seen in its address. Without anything to
            # find it must not find the empty text everywhere.
            found = [*map(re.escape, longest_first), LINK_PATTERN] if spelled else [r"(?!)"]
            self._pattern = re.compile("|".join(found))

    def text(self, text: str) -> str:
        """`text` as it may be shown."""
        if self._pattern is None:
            return text if text == self._spared else MASK
        return self._pattern.sub(MASK, text)

    def values(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Named values as they may be shown; without known secrets only the names are left."""
        if self._pattern is None:
            return dict.fromkeys(values, MASK)
        return {self.text(name): self._shown(value) for name, value in values.items()}

    def _shown(self, value: Value) -> Value:
        match value:
            case str():
                return self.text(value)
            case dict():
                return self.values(value)
            case list():
                return [self._shown(item) for item in value]
            case bool() | None:
                return value
            case int() | float():
                written = str(value)
                return value if self.text(written) == written else MASK


def _spellings(secret: Value) -> set[str]:
    text = secret if isinstance(secret, str) else json.dumps(secret)
    return {
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        quote(text, safe="", errors="replace"),
        quote_plus(text, errors="replace"),
    }
