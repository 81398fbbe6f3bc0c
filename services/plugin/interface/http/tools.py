"""What is loaded, for operators: GET /v1/tools and GET /v1/sandbox."""

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.contracts.tool_call import ToolList, ToolQuery
from services.plugin.app.tools.call_tool import ListTools


class SandboxState(BaseModel):
    """`isolation` is what code runs under on this machine: bwrap or landlock."""

    isolation: str


def tools_router(*, listing: ListTools, isolation: str) -> APIRouter:
    """The two routes."""
    router = APIRouter(prefix="/v1", tags=["tools"])

    async def list_tools(bundle: str | None = None) -> ToolList:
        """Every tool, or those of one bundle."""
        return await listing.run(ToolQuery(bundle=bundle))

    async def sandbox_state() -> SandboxState:
        """How code is isolated here."""
        return SandboxState(isolation=isolation)

    router.add_api_route("/tools", list_tools, methods=["GET"])
    router.add_api_route("/sandbox", sandbox_state, methods=["GET"])
    return router
