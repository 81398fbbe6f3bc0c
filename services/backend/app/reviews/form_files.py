"""Files that people give to the fields of a form."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.forms import FormView
from services.backend.app.files.accept_files import AcceptFiles
from services.backend.app.ports.file_repository import FileRepository
from services.backend.domain.files.file_values import stored_uploads
from services.backend.domain.files.records import FileOwner
from services.backend.domain.identity.end_users import end_user_id

_KINDS = frozenset({"file", "file-list"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFiles:
    accept: AcceptFiles
    files: FileRepository

    async def inputs(
        self, tenant_id: UUID, view: FormView, given: dict[str, JsonValue], session_id: str
    ) -> dict[str, JsonValue]:
        """`given` with the files of this user of the form's app as runs have them; from now on they
        are kept.

        Raises InputRefused, and FileUnknown where one was deleted meanwhile."""
        fields = view.form.fields if view.form else ()
        variables: list[dict[str, JsonValue]] = [
            {"variable": field.name, "type": field.type} for field in fields if field.type in _KINDS
        ]
        owner = FileOwner(
            tenant_id=tenant_id,
            app_id=view.app_id,
            end_user_id=end_user_id(view.app_id, session_id),
        )
        inputs = await self.accept.inputs(owner, variables, given)
        named = set(stored_uploads(inputs))
        if named:
            await self.files.keep(tenant_id, named)
        return inputs
