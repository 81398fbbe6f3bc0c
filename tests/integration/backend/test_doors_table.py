"""docs/doors.md tells every door, and its wire as the code has it."""

import re

from fastapi.routing import APIRoute

from deploy.local.layout import CHECKOUT
from services.backend.interface.http.routers import all_routers
from services.backend.interface.http.wires import wire_of
from tests.integration.backend.conftest import House

_ROW = re.compile(r"^\| (GET|POST|PUT|DELETE) \| `([^`]+)` \| (\w+) \|$", re.MULTILINE)


async def test_the_table_and_the_routes_agree(house: House) -> None:
    told = {
        (method, path): wire
        for method, path, wire in _ROW.findall((CHECKOUT / "docs" / "doors.md").read_text())
    }
    routers = all_routers(house.cases, house.bus, run_seconds=1, chat_seconds=1)
    served = {
        (method, route.path): wire_of(route.path)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert told == served
