"""Images that a model is shown: files in a prompt's texts, and those of `vision`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.chat import ImageContent
from services.engine.domain.node_parts.file_sources import OBJECT_KEY
from services.engine.domain.node_parts.node_contract import NodeFailure, VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.files import file_text, is_file
from services.engine.domain.variables.selectors import SYSTEM
from services.engine.domain.variables.types import infer_type
from services.engine.domain.variables.values import Missing, Selector, Value

Detail = Literal["auto", "low", "high"]
_DETAILS: dict[str, Detail] = {"auto": "auto", "low": "low", "high": "high"}
_FILES: Selector = (SYSTEM, "files")
_SHOWABLE = ("http://", "https://", "data:image/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """`files` None: the model is shown no more than the images among its prompt's variables."""

    files: Selector | None = None
    detail: Detail = "high"

    def images(self, variables: VariableReader) -> tuple[ImageContent, ...]:
        """The images among the chosen files; there need not be any.

        Raises NodeFailure where the variable holds something else, or an image that is nowhere.
        """
        value = None if self.files is None else variables.get(self.files)
        if value is None or isinstance(value, Missing) or value == []:
            return ()
        files = value if isinstance(value, list) else [value]
        if not all(is_file(file) for file in files):
            raise NodeFailure(
                f"Invalid variable type: {infer_type(value)}",
                error_type="InvalidVariableTypeError",
            )
        return self.images_of(value)

    def images_of(self, value: Value) -> tuple[ImageContent, ...]:
        """The images in a file or a list of files; none in any other value."""
        return tuple(self._of(value))

    def _of(self, value: Value) -> Iterator[ImageContent]:
        for file in value if isinstance(value, list) else [value]:
            if not is_file(file) or file_text(file, "type") != "image":
                continue
            stored = file.get(OBJECT_KEY)
            if isinstance(stored, str) and stored:
                yield ImageContent(object_key=stored, detail=self.detail)
                continue
            url = file_text(file, "url")
            if not url.startswith(_SHOWABLE):
                name = file_text(file, "name") or "An image"
                raise NodeFailure(
                    f"{name} cannot be shown to a model: it has no web address.",
                    error_type="FileNotShowableError",
                )
            yield ImageContent(url=url, detail=self.detail)


def parse_vision(settings: SettingsReader) -> Vision:
    vision = settings.section("vision")
    configs = vision.section("configs")
    detail = _DETAILS.get(configs.text("detail"), "high")
    if not vision.flag("enabled"):
        return Vision(detail=detail)
    files = configs.selector("variable_selector", required=False) or _FILES
    return Vision(files=files, detail=detail)
