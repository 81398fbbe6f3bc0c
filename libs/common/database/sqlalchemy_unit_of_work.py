"""The unit of work on SQLAlchemy's async session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from libs.common.contracts.subjects import DurableSubject
from libs.common.database.outbox import OutboxRow, outbox_row
from libs.common.database.row_security import tenants_setting
from libs.common.database.store_errors import translated

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsOfWork:
    """Makes units of work on one schema.

    `on_outbox_commit` hears the tenant after a commit that wrote outbox rows: pass the relay's
    `wake`.
    """

    engine: AsyncEngine
    schema: str
    on_outbox_commit: Callable[[UUID], None] = field(default=lambda _: None)

    def of(self, tenant_id: UUID) -> "SqlAlchemyUnitOfWork":
        """A unit of work for one tenant, to be entered once."""
        return SqlAlchemyUnitOfWork(self, tenant_id)


class SqlAlchemyUnitOfWork:
    """One transaction of one tenant; repositories work on `session`.

    Raises DatabaseAway when Postgres is gone; then nothing is known to be written.
    """

    def __init__(self, units: UnitsOfWork, tenant_id: UUID) -> None:
        self._units = units
        self._tenant_id = tenant_id
        self._session: AsyncSession | None = None
        self._messages: list[OutboxRow] = []

    @property
    def tenant_id(self) -> UUID:
        return self._tenant_id

    @property
    def session(self) -> AsyncSession:
        """The open session. Raises RuntimeError outside the transaction."""
        if self._session is None:
            raise RuntimeError("a unit of work has a session only inside `async with`")
        return self._session

    async def __aenter__(self) -> Self:
        session = AsyncSession(self._units.engine, expire_on_commit=False)
        try:
            with translated():
                await session.execute(
                    text("select set_config('heddle.tenants', :tenants, true)"),
                    {"tenants": tenants_setting([self._tenant_id])},
                )
        except BaseException:
            await session.close()
            raise
        self._session = session
        return self

    async def __aexit__(self, *exc: object) -> None:
        session, self._session = self.session, None
        messages, self._messages = self._messages, []
        try:
            with translated():
                if exc[0] is not None:
                    await session.rollback()
                    return
                await self._write(session, messages)
                await session.commit()
        finally:
            await session.close()
        if messages:
            self._units.on_outbox_commit(self._tenant_id)

    def publish_after_commit(self, subject: DurableSubject[M], message: M) -> None:
        self._messages.append(outbox_row(self._tenant_id, subject, message))

    async def _write(self, session: AsyncSession, messages: list[OutboxRow]) -> None:
        if messages:
            insert = text(
                f"insert into {self._units.schema}.outbox (id, tenant_id, subject, body) "  # noqa: S608 - the schema is ours
                "values (:id, :tenant_id, :subject, :body)"
            )
            await session.execute(insert, [message.as_parameters() for message in messages])
