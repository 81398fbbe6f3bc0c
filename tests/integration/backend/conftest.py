"""The backend on a real Postgres, an in-memory bus and a scripted engine."""

import base64
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.run_limits import RunLimits
from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.object_store.open_store import open_object_store
from libs.common.object_store.store import ObjectStore
from libs.common.run_seal import RunSeal
from libs.common.service_host import ServiceHost
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.tiered_store import TieredStore
from libs.common.stored_file_links import StoredFileLinks
from libs.common.stored_files import StoredFiles
from services.backend.app.files.show_file import RunFiles
from services.backend.app.identity.first_start import FirstStart
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.ports.credentials_file import FirstKeys
from services.backend.app.reviews.deliver_form import Senders
from services.backend.app.reviews.telling import TellingParts
from services.backend.app.use_cases import Parts, UploadRules, UseCases, put_together
from services.backend.domain.files.file_kinds import SizeLimits
from services.backend.infra.credential_sealer import MasterKeySealer
from services.backend.infra.credentials_file import StateFolderCredentials
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from services.backend.infra.postgres.app_repository import PostgresAppRepository
from services.backend.infra.postgres.conversation_repository import PostgresConversationRepository
from services.backend.infra.postgres.credential_repository import PostgresCredentialRepository
from services.backend.infra.postgres.delivery_records import PostgresDeliveryRecords
from services.backend.infra.postgres.environment_secret_repository import (
    PostgresEnvironmentSecrets,
)
from services.backend.infra.postgres.file_repository import PostgresFileRepository
from services.backend.infra.postgres.idempotency_records import PostgresIdempotencyRecords
from services.backend.infra.postgres.run_repository import PostgresRunRepository
from services.backend.infra.postgres.tenant_repository import PostgresTenantRepository
from services.backend.infra.yaml.document_reader import YamlDocumentReader
from services.backend.interface.http.dify.file_routes import UPLOAD_PATH, upload_bound
from services.backend.interface.http.review.routes import REVIEW_PATHS
from services.backend.interface.http.routers import all_routers
from services.backend.interface.http.wires import render_error
from services.backend.interface.nats import handlers
from tests.integration.backend.fake_engine import FakeEngine
from tests.integration.backend.fake_inference import serve_catalogue
from tests.support.databases import FreshDatabase
from tests.support.deliveries import (
    CountedDeliveries,
    InMemoryMailSender,
    InMemoryWebhookSender,
)

MASTER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())


@dataclass(slots=True, kw_only=True)
class House:
    """A running backend. `keys` are the first start's."""

    cases: UseCases
    engine: FakeEngine
    bus: InMemoryBus
    http: httpx.AsyncClient
    keys: FirstKeys
    tenant_id: UUID
    pool: Pool
    sweeper_pool: Pool
    index: KeyIndex
    folder: Path
    objects: ObjectStore
    mails: InMemoryMailSender
    hooks: InMemoryWebhookSender
    deliveries: CountedDeliveries

    def admin(self) -> dict[str, str]:
        return bearer(self.keys.admin_token)

    async def imported(self, document: str, *, publish: bool = True) -> dict[str, Any]:
        """Import through the API; what it answered."""
        answer = await self.http.post(
            "/api/apps/import",
            params={"publish": str(publish).lower()},
            content=document.encode(),
            headers=self.admin(),
        )
        assert answer.is_success, answer.text
        return answer.json()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def mail_server() -> bool:
    """Whether the house sends mails."""
    return True


@pytest.fixture
async def house(
    migrated_database: FreshDatabase, object_store_url: str, tmp_path: Path, mail_server: bool
) -> AsyncGenerator[House]:
    mails, hooks = InMemoryMailSender(), InMemoryWebhookSender()
    deliveries = CountedDeliveries()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await create_pool(migrated_database.url))
        sweeper = await stack.enter_async_context(await create_pool(migrated_database.sweeper_url))
        clock = SystemClock()
        bus = InMemoryBus(clock=clock)
        stack.push_async_callback(bus.close)
        engine = FakeEngine(bus)
        stack.push_async_callback(engine.close)
        await engine.serve()
        await serve_catalogue(bus)
        store = TieredStore(PostgresTier(pool, "backend"), bus=bus, clock=clock)
        await stack.enter_async_context(store.running())
        keys, index = PostgresApiKeyRepository(pool), KeyIndex(store)
        file = StateFolderCredentials(tmp_path)
        tenants = PostgresTenantRepository(pool, sweeper)
        tenant_id = await FirstStart(tenants, keys, index, file)()
        objects = open_object_store(object_store_url)
        uploads = UploadRules(limits=SizeLimits(image=1, document=2), base_url="http://backend")
        cases = put_together(
            Parts(
                bus=bus,
                clock=clock,
                index=index,
                keys=keys,
                apps=PostgresAppRepository(pool),
                runs=PostgresRunRepository(pool, sweeper),
                conversations=PostgresConversationRepository(pool),
                credentials=PostgresCredentialRepository(pool),
                secrets=PostgresEnvironmentSecrets(pool),
                idempotency=PostgresIdempotencyRecords(pool),
                documents=YamlDocumentReader(),
                sealer=MasterKeySealer(MASTER_KEY),
                tail=engine,
                dead_letters=bus.dead_letters,
                limits=RunLimits(),
                files=PostgresFileRepository(pool, sweeper),
                objects=objects,
                uploads=uploads,
                run_files=RunFiles(
                    links=StoredFileLinks(
                        MASTER_KEY,
                        base_url="http://backend",
                        lasting=timedelta(days=7),
                        clock=clock,
                    ),
                    stored=StoredFiles(objects, RunSeal(MASTER_KEY)),
                ),
                telling=TellingParts(
                    records=PostgresDeliveryRecords(pool),
                    senders=Senders(mail=mails if mail_server else None, hooks=hooks),
                    metrics=deliveries,
                    public_url="https://heddle.test",
                ),
            )
        )
        await handlers.serve(bus, cases, delivery_tries=3)
        host = ServiceHost(
            "backend",
            routers=all_routers(cases, bus, run_seconds=20, chat_seconds=20),
            render=render_error,
            body_bounds=dict.fromkeys((UPLOAD_PATH, REVIEW_PATHS), upload_bound(uploads.limits)),
        )
        transport = httpx.ASGITransport(app=host.app)
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://backend", timeout=20)
        )
        found = await file.read()
        assert found is not None
        yield House(
            cases=cases,
            engine=engine,
            bus=bus,
            http=http,
            keys=found,
            tenant_id=tenant_id,
            pool=pool,
            sweeper_pool=sweeper,
            index=index,
            folder=tmp_path,
            objects=objects,
            mails=mails,
            hooks=hooks,
            deliveries=deliveries,
        )
