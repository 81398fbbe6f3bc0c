"""Which files a start node's variable, or an app's feature, takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from services.backend.domain.files.file_kinds import FileKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRules:
    """Nothing in a set: anything goes. `extensions` (small letters, no dot) are those that files of
    the kind `custom` may have; None: any. `most` 0: any number."""

    kinds: frozenset[str]
    extensions: frozenset[str] | None
    methods: frozenset[str]
    most: int = 0

    def objection(self, kind: FileKind, extension: str, method: str) -> str | None:
        """Why such a file is not taken."""
        if self.methods and method not in self.methods:
            return f"it comes as {method}, and only {_listed(self.methods)} is taken here"
        if kind == "custom":
            if self.extensions is not None and extension not in self.extensions:
                return f"its extension is none of {_listed(self.extensions)}"
            return None
        if self.kinds and kind not in self.kinds:
            return f"it is of the type {kind}, and only {_listed(self.kinds)} is taken here"
        return None


def variable_rules(variable: Mapping[str, JsonValue]) -> FileRules:
    """Those of a start node's `file` or `file-list`."""
    most = variable.get("max_length") if variable.get("type") == "file-list" else 0
    return _rules(variable, most)


def feature_rules(features: Mapping[str, JsonValue]) -> FileRules | None:
    """Those of an app's `file_upload`; None where it takes no files."""
    upload = features.get("file_upload")
    if not isinstance(upload, dict) or upload.get("enabled") is not True:
        return None
    return _rules(upload, upload.get("number_limits"))


def _rules(told: Mapping[str, JsonValue], most: JsonValue) -> FileRules:
    extensions = told.get("allowed_file_extensions")
    return FileRules(
        kinds=_texts(told.get("allowed_file_types")),
        extensions=(
            frozenset(each.lower().lstrip(".") for each in _texts(extensions))
            if isinstance(extensions, list)
            else None
        ),
        methods=_texts(told.get("allowed_file_upload_methods")),
        most=most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else 0,
    )


def _texts(value: JsonValue) -> frozenset[str]:
    listed = value if isinstance(value, list) else []
    return frozenset(each for each in listed if isinstance(each, str))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
