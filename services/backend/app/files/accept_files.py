"""The files that a run is given: checked, and made what its nodes read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.start_inputs import InputRefused
from libs.common.errors import ErrorDetail
from services.backend.app.files.file_links import FileLinks
from services.backend.app.ports.file_repository import FileRepository
from services.backend.domain.apps.json_reading import as_list, as_mapping, as_text
from services.backend.domain.apps.lone_node import Given
from services.backend.domain.files.file_rules import FileRules, feature_rules, variable_rules
from services.backend.domain.files.file_values import (
    FileRefused,
    FileValue,
    file_value,
    names_objects,
    stored_uploads,
    upload_named,
)
from services.backend.domain.files.records import FileOwner, UploadedFile

Inputs = dict[str, JsonValue]
_ANY_FILE = variable_rules({})
_NOTHING: Mapping[str, JsonValue] = {}
_KINDS = frozenset({"file", "file-list"})


class _Place(NamedTuple):
    """One file that a caller wrote, and where."""

    path: tuple[str, ...]
    given: JsonValue
    rules: FileRules


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptFiles:
    files: FileRepository
    links: FileLinks

    async def inputs(
        self,
        owner: FileOwner,
        variables: Iterable[Mapping[str, JsonValue]],
        inputs: Inputs,
        *,
        known: Mapping[str, JsonValue] = _NOTHING,
    ) -> Inputs:
        """`inputs` with the files of declared variables as runs have them. `known` are inputs of an
        earlier run, which may hold what no caller may say.

        Raises InputRefused, which names the input: for a file that the variable does not take, that
        is unknown or another user's, and where any input names an object of the store.
        """
        declared = _declared(variables)
        for name in inputs.keys() - declared.keys():
            if inputs[name] != known.get(name) and names_objects(inputs[name]):
                raise _refused(("inputs", name), "object_key is not a caller's to say.")
        places = {
            name: list(_places(name, inputs[name], rules))
            for name, rules in declared.items()
            if inputs.get(name) is not None
        }
        made = iter(await self._made(owner, [each for found in places.values() for each in found]))
        found: Inputs = {}
        for name, there in places.items():
            values: list[JsonValue] = [next(made) for _ in there]
            found[name] = values if isinstance(inputs[name], list) else values[0]
        return {**inputs, **found}

    async def fixtures(self, owner: FileOwner, given: Given) -> Given:
        """Variables that somebody made up, by scope and name, with the files that they name as a
        client does as runs have them. Raises InputRefused."""
        found = {scope: {**values} for scope, values in given.items()}
        for scope, values in found.items():
            for name, value in values.items():
                path = ("variables", scope, name)
                if isinstance(value, list) and value and all(map(_is_sent, value)):
                    places = [
                        _Place((*path, str(i)), each, _ANY_FILE) for i, each in enumerate(value)
                    ]
                    values[name] = [*await self._made(owner, places)]
                elif _is_sent(value):
                    (values[name],) = await self._made(owner, [_Place(path, value, _ANY_FILE)])
        return found

    async def sent(
        self, owner: FileOwner, features: Mapping[str, JsonValue], files: Sequence[JsonValue]
    ) -> list[JsonValue]:
        """The `files` beside the inputs; none where the app's features take none.

        Raises InputRefused, which names the file."""
        rules = feature_rules(features)
        if rules is None or not files:
            return []
        _check_number(("files",), len(files), rules)
        places = [_Place(("files", str(i)), file, rules) for i, file in enumerate(files)]
        return [*await self._made(owner, places)]

    async def _made(self, owner: FileOwner, places: Sequence[_Place]) -> list[FileValue]:
        if not places:
            return []
        uploads = await self._uploads(owner, places)
        link = partial(self.links.url, owner.tenant_id)
        found: list[FileValue] = []
        for place in places:
            try:
                found.append(file_value(as_mapping(place.given), place.rules, uploads, link))
            except FileRefused as reason:
                raise _refused(place.path, str(reason)) from reason
        return found

    async def _uploads(
        self, owner: FileOwner, places: Sequence[_Place]
    ) -> dict[UUID, UploadedFile]:
        wanted: set[UUID] = set()
        for place in places:
            try:
                named = upload_named(place.given)
            except FileRefused as reason:
                raise _refused(place.path, str(reason)) from reason
            if named is not None:
                wanted.add(named)
        return await self.files.of_owner(owner, wanted) if wanted else {}


def named_files(acceptance: AcceptRun) -> tuple[UUID, ...]:
    """The uploads that a run will name, each once."""
    given: list[JsonValue] = [acceptance.inputs, acceptance.system.get("files")]
    given += [dict(values) for values in acceptance.given.values()]
    return tuple(dict.fromkeys(file_id for value in given for file_id in stored_uploads(value)))


def _is_sent(value: JsonValue) -> bool:
    """Whether it is a file as a client names one."""
    method = value.get("transfer_method") if isinstance(value, dict) else None
    return method in ("local_file", "remote_url") and not names_objects(value)


def _declared(variables: Iterable[Mapping[str, JsonValue]]) -> dict[str, FileRules]:
    return {
        as_text(variable.get("variable")): variable_rules(variable)
        for variable in variables
        if variable.get("type") in _KINDS
    }


def _places(name: str, value: JsonValue, rules: FileRules) -> Iterator[_Place]:
    if not isinstance(value, list):
        yield _Place(("inputs", name), value, rules)
        return
    _check_number(("inputs", name), len(value), rules)
    for index, file in enumerate(as_list(value)):
        yield _Place(("inputs", name, str(index)), file, rules)


def _check_number(path: tuple[str, ...], number: int, rules: FileRules) -> None:
    if rules.most and number > rules.most:
        raise _refused(path, f"these are {number} files, and at most {rules.most} are taken here.")


def _refused(path: tuple[str, ...], message: str) -> InputRefused:
    pointer = "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path)
    told = f"{'.'.join(path)}: {message}"
    return InputRefused(told, details=(ErrorDetail(pointer=pointer, message=message),))
