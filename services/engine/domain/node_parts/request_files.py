"""Files that an outgoing request sends along; their bytes are brought where it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.contracts.document_text import FileSource
from libs.common.contracts.http_call import FileBody, FormFile
from services.engine.domain.node_parts.file_sources import NotAFile, file_source
from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.files import file_text, is_file
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Missing, Selector, Value

_MOST_FILES = 100


class FilesRefused(ValueError):
    """A variable holds no file that can be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFile:
    """One or, where the variable is a list, several files under one name."""

    name: TemplateText
    variable: Selector

    def form_files(self, variables: VariableReader) -> tuple[FormFile, ...]:
        """None where the variable is not there, null or an empty list. Raises FilesRefused."""
        name = self.name.render(variables)
        return tuple(
            FormFile(
                name=name,
                source=self._source(file),
                filename=file_text(file, "name") if is_file(file) else "",
                content_type=file_text(file, "mime_type") if is_file(file) else "",
            )
            for file in self._files(variables)
        )

    def body(self, variables: VariableReader) -> FileBody:
        """The one file as a whole body. Raises FilesRefused."""
        files = self._files(variables)
        if len(files) != 1:
            raise FilesRefused(f"cannot fetch file with selector {list(self.variable)}")
        (file,) = files
        kind = file_text(file, "mime_type") if is_file(file) else ""
        return FileBody(source=self._source(file), content_type=kind)

    def _files(self, variables: VariableReader) -> Sequence[Value]:
        value = variables.get(self.variable)
        if isinstance(value, Missing) or value is None:
            return ()
        files = value if isinstance(value, list) else [value]
        if len(files) > _MOST_FILES:
            raise FilesRefused(f"at most {_MOST_FILES} files can be sent, these are {len(files)}")
        return files

    def _source(self, file: Value) -> FileSource:
        try:
            return file_source(file)
        except NotAFile as reason:
            raise FilesRefused(f"{'.'.join(self.variable)} cannot be sent: {reason}") from reason


def parse_request_file(item: SettingsReader) -> RequestFile | None:
    """An item of a body's `data` whose `type` is `file`; None, and reported, without a selector."""
    variable = item.selector("file")
    if variable is None:
        return None
    return RequestFile(name=parse_template_text(item.text("key")), variable=variable)
