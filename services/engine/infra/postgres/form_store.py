"""Forms as rows. What is shown and answered is sealed where there is a master key."""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from libs.common.contracts.form_deliveries import FormDelivery
from libs.common.contracts.forms import (
    FormQuery,
    FormsQuery,
    FormStatus,
    FormView,
    HumanAnswer,
    HumanForm,
    SubmitForm,
    form_digest,
)
from libs.common.contracts.run_commands import AnswerForm
from libs.common.contracts.subjects import FORM_OPENED
from libs.common.database.asyncpg_pool import Pool
from libs.common.run_sealing import RunSealing
from services.engine.app.errors import FormUnknown
from services.engine.app.forms.form_opened import form_opened
from services.engine.app.ports.form_store import Submission
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import OpenForm
from services.engine.infra.postgres.command_store import sealed_command
from services.engine.infra.postgres.statements import Statements

_DELIVERIES = TypeAdapter(tuple[FormDelivery, ...])
_OPEN = """
SELECT engine.open_form($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS ours"""
_TOLD = """
SELECT run_id, deliveries FROM engine.forms
WHERE tenant_id = $1 AND form_id = $2 AND ($3::uuid IS NULL OR app_id = $3)"""
_WITHDRAW = "SELECT engine.withdraw_forms($1, $2, $3)"
_SUBMIT = "SELECT * FROM engine.submit_form($1, $2, $3, $4, $5, $6, $7)"
_PLACE = """
SELECT run_id, effect_key FROM engine.forms
WHERE tenant_id = $1 AND form_id = $2 AND ($3::uuid IS NULL OR app_id = $3)"""
_SELECT = """
SELECT f.form_id, f.run_id, f.app_id, f.node_id, f.frame_path, f.digest, f.title, f.opened_at,
       engine.form_stands(f.status, r.status, f.expires_at) AS status,
       f.expires_at, f.acted_at, f.actor, f.action, f.inputs, f.shown
FROM engine.forms f CROSS JOIN LATERAL (
    SELECT status FROM engine.runs
    WHERE tenant_id = f.tenant_id AND run_id = f.run_id LIMIT 1) AS r
WHERE f.tenant_id = $1"""
_FIND = f"{_SELECT} AND f.form_id = $2 AND ($3::uuid IS NULL OR f.app_id = $3)"
_OLDER = "($5::uuid IS NULL OR (f.opened_at, f.form_id) < (engine.form_opened($1, $5), $5))"
_NEWEST = "ORDER BY f.opened_at DESC, f.form_id DESC LIMIT $6"


def _list(*, of_run: bool, of_app: bool, status: FormStatus | None) -> str:
    """A statement for each way of asking, as each has its own index. A form that is stored as open
    may stand as expired or withdrawn."""
    wanted = [
        "f.run_id = $2" if of_run else "$2::uuid IS NULL",
        "f.app_id = $3" if of_app else "$3::uuid IS NULL",
        "($4::text IS NULL OR engine.form_stands(f.status, r.status, f.expires_at) = $4)",
        _OLDER,
    ]
    if status in ("open", "submitted"):
        wanted.append(f"f.status = '{status}'")
    return f"{_SELECT} AND {' AND '.join(wanted)} {_NEWEST}"


class PostgresFormStore:
    """Implements FormStore. `pool` signs in as heddle_app; `on_fact` hears the tenant of a form of
    which somebody is to be told."""

    def __init__(
        self,
        pool: Pool,
        sealing: RunSealing | None = None,
        on_fact: Callable[[UUID], None] = lambda _: None,
    ) -> None:
        self._statements = Statements(pool)
        self._sealing = sealing
        self._on_fact = on_fact

    async def open(
        self,
        claim: Claim,
        form: OpenForm,
        shown: HumanForm,
        deliveries: Sequence[FormDelivery] = (),
    ) -> bool:
        tenant, run_id = claim.tenant_id, claim.run_id
        body, told = shown.model_dump_json().encode(), _DELIVERIES.dump_json(tuple(deliveries))
        rows = await self._statements.fetch(
            _OPEN,
            tenant,
            run_id,
            claim.epoch,
            form.form_id,
            form.node_id,
            form.frame,
            form.key,
            _storable(shown.title),
            form_digest(shown),
            self._sealed(body, tenant, run_id, _shown_place(form.form_id)),
            form.due,
            self._sealed(told, tenant, run_id, _told_place(form.form_id)) if deliveries else None,
            FORM_OPENED.name,
            form_opened(claim, form.form_id).model_dump_json().encode(),
        )
        if deliveries:
            self._on_fact(tenant)
        return bool(rows[0]["ours"])

    async def withdraw(self, tenant_id: UUID, run_id: UUID, forms: Sequence[UUID]) -> None:
        await self._statements.fetch(_WITHDRAW, tenant_id, run_id, [*forms])

    async def find(self, query: FormQuery) -> FormView:
        rows = await self._statements.fetch_of(
            [query.tenant_id], _FIND, query.tenant_id, query.form_id, query.app_id
        )
        if not rows:
            raise FormUnknown(f"No form {query.form_id}.")
        return self._view(query.tenant_id, rows[0], with_form=True)

    async def deliveries(self, query: FormQuery) -> tuple[FormDelivery, ...]:
        tenant, form_id = query.tenant_id, query.form_id
        rows = await self._statements.fetch_of([tenant], _TOLD, tenant, form_id, query.app_id)
        if not rows:
            raise FormUnknown(f"No form {form_id}.")
        (row,) = rows
        if row["deliveries"] is None:
            return ()
        place = _told_place(form_id)
        return _DELIVERIES.validate_json(
            self._opened(row["deliveries"], tenant, row["run_id"], place)
        )

    async def list(self, query: FormsQuery) -> list[FormView]:
        rows = await self._statements.fetch_of(
            [query.tenant_id],
            _list(
                of_run=query.run_id is not None,
                of_app=query.app_id is not None,
                status=query.status,
            ),
            query.tenant_id,
            query.run_id,
            query.app_id,
            query.status,
            query.before,
            query.limit,
        )
        return [self._view(query.tenant_id, row, with_form=False) for row in rows]

    async def submit(self, answer: SubmitForm) -> Submission:
        tenant, form_id = answer.tenant_id, answer.form_id
        places = await self._statements.fetch_of([tenant], _PLACE, tenant, form_id, answer.app_id)
        if not places:
            raise FormUnknown(f"No form {form_id}.")
        run_id: UUID = places[0]["run_id"]
        command = AnswerForm(
            tenant_id=tenant,
            run_id=run_id,
            command_id=answer.command_id,
            key=places[0]["effect_key"],
            answer=HumanAnswer(action=answer.action, inputs=answer.inputs, actor=answer.actor),
        )
        inputs = json.dumps(answer.inputs).encode()
        rows = await self._statements.fetch(
            _SUBMIT,
            tenant,
            form_id,
            answer.command_id,
            _storable(answer.action),
            None if answer.actor is None else _storable(answer.actor),
            self._sealed(inputs, tenant, run_id, _inputs_place(form_id)),
            sealed_command(command, self._sealing),
        )
        row = rows[0]
        if row["verdict"] == "unknown":
            raise FormUnknown(f"No form {form_id}.")
        return Submission(row["verdict"], run_id, row["run_status"], row["run_epoch"])

    def _view(self, tenant_id: UUID, row: asyncpg.Record, *, with_form: bool) -> FormView:
        run_id, form_id = row["run_id"], row["form_id"]
        form, inputs = None, {}
        if with_form:
            shown = self._opened(row["shown"], tenant_id, run_id, _shown_place(form_id))
            form = HumanForm.model_validate_json(shown)
            if row["inputs"] is not None:
                given = self._opened(row["inputs"], tenant_id, run_id, _inputs_place(form_id))
                inputs = cast("dict[str, Any]", json.loads(given))
        return FormView(
            form_id=form_id,
            run_id=run_id,
            app_id=row["app_id"],
            node_id=row["node_id"],
            frame_path=row["frame_path"],
            status=row["status"],
            digest=row["digest"],
            title=row["title"],
            opened_at=row["opened_at"].timestamp(),
            expires_at=row["expires_at"].timestamp(),
            form=form,
            actor=row["actor"],
            acted_at=None if row["acted_at"] is None else row["acted_at"].timestamp(),
            action=row["action"],
            inputs=inputs,
        )

    def _sealed(self, body: bytes, tenant_id: UUID, run_id: UUID, place: str) -> bytes:
        if self._sealing is None:
            return body
        return self._sealing.seal(body, tenant_id=tenant_id, run_id=run_id, place=place)

    def _opened(self, stored: bytes, tenant_id: UUID, run_id: UUID, place: str) -> bytes:
        if self._sealing is None:
            return stored
        return self._sealing.reveal(stored, tenant_id=tenant_id, run_id=run_id, place=place)


def _shown_place(form_id: UUID) -> str:
    return f"form/{form_id}"


def _told_place(form_id: UUID) -> str:
    return f"form/{form_id}/deliveries"


def _inputs_place(form_id: UUID) -> str:
    return f"form/{form_id}/inputs"


def _storable(text: str) -> str:
    return text.replace("\0", "\\0")
