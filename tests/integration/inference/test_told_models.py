"""Models that a provider lists itself: asked when it is set, bounded, and remembered."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.common.contracts.chat import ModelQuery
from services.inference.app.models.list_models import ListModels
from services.inference.app.models.told_models import ToldModels
from services.inference.app.ports.chat_wire import OpenedCredential
from services.inference.domain.catalogue.catalogue import Catalogue
from services.inference.infra.sheets.yaml_sheets import load_catalogue
from services.inference.infra.wires.openai_models import OpenAiModels
from services.inference.settings import PROVIDERS
from tests.support.manual_clock import ManualClock


@dataclass(slots=True)
class Host:
    """A host that speaks OpenAI's wire; it answers `body` and notes who asked."""

    body: object = None
    status: int = 200
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization", ""))
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def host() -> AsyncGenerator[Host]:
    host = Host(body={"data": [{"id": "llama"}, {"id": "qwen/72b"}, {"id": "llama"}]})
    application = web.Application()
    application.router.add_get("/v1/models", host.answer)
    async with TestServer(application) as server:
        host.url = str(server.make_url("/v1"))
        yield host


@dataclass(frozen=True, slots=True)
class Sheets:
    catalogue: Catalogue


@dataclass(slots=True)
class Credentials:
    known: Mapping[tuple[UUID | None, str], OpenedCredential]

    async def open(self, tenant_id: UUID | None, provider: str) -> OpenedCredential | None:
        return self.known.get((tenant_id, provider))


@dataclass(frozen=True, slots=True)
class Rig:
    models: ListModels
    clock: ManualClock
    tenant: UUID

    async def of_host(self, tenant: UUID | None = None) -> list[str]:
        found = await self.models.run(ModelQuery(tenant_id=tenant or self.tenant))
        return [model.id for model in found.models if model.vendor == "openai_compatible"]


@pytest.fixture
async def rig(host: Host) -> AsyncGenerator[Rig]:
    tenant, clock = uuid4(), ManualClock()
    credential = OpenedCredential(base_url=host.url, values={"api_key": "sk-local"})
    async with aiohttp.ClientSession() as session:
        yield Rig(
            ListModels(
                sheets=Sheets(load_catalogue(PROVIDERS)),
                credentials=Credentials({(tenant, "openai_compatible"): credential}),
                told=ToldModels(OpenAiModels(session), clock),
            ),
            clock,
            tenant,
        )


async def test_a_tenant_that_set_the_host_sees_its_models(rig: Rig, host: Host) -> None:
    assert await rig.of_host() == ["openai_compatible/llama", "openai_compatible/qwen/72b"]
    assert host.asked == ["Bearer sk-local"]


async def test_a_tenant_that_did_not_sees_none_and_nobody_is_asked(rig: Rig, host: Host) -> None:
    assert await rig.of_host(uuid4()) == []
    assert host.asked == []


async def test_the_host_is_asked_again_after_a_minute(rig: Rig, host: Host) -> None:
    await rig.of_host()
    host.body = {"data": [{"id": "new"}]}
    assert len(await rig.of_host()) == 2
    await rig.clock.advance(61)
    assert await rig.of_host() == ["openai_compatible/new"]
    assert len(host.asked) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, None), (200, {"data": [{"id": 1}]}), (200, {"data": [{"id": "x" * 2_000_000}]})],
)
async def test_a_host_that_tells_none_hides_no_other_model(
    rig: Rig, host: Host, status: int, body: object
) -> None:
    host.status, host.body = status, body
    found = await rig.models.run(ModelQuery(tenant_id=rig.tenant))
    assert "demo" in {model.vendor for model in found.models}
    assert await rig.of_host() == []
    assert len(host.asked) == 1


async def test_at_most_a_thousand_are_told(rig: Rig, host: Host) -> None:
    host.body = {"data": [{"id": f"m{n}"} for n in range(1500)]}
    assert len(await rig.of_host()) == 1000
