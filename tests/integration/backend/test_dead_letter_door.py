"""Messages that were given up, through the native API."""

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import RunEnded
from libs.common.contracts.subjects import RUN_ENDED
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_dead_letters import Delivery
from tests.integration.backend.conftest import House, bearer

PATH = "/api/operations/dead-letters"


def buried(house: House, answer: str = "") -> None:
    """A fact about an unknown run that the backend could not take in."""
    fact = RunEnded(
        tenant_id=house.tenant_id,
        run_id=uuid7(),
        app_id=uuid7(),
        epoch=1,
        status="failed",
        answer=answer,
        created_at=0.0,
        finished_at=0.0,
    )
    delivery = Delivery(
        body=fact.model_dump_json().encode(), envelope=Envelope(tenant_id=house.tenant_id)
    )
    house.bus.dead_letters.bury(delivery, RUN_ENDED.name, "backend", ["first", "last"])


async def test_letters_are_listed_and_shown(house: House) -> None:
    buried(house)
    buried(house, "é" * 40_000)
    page = await house.http.get(PATH, headers=house.admin())
    small, large = page.json()["dead_letters"]
    assert page.json()["has_more"] is False
    told = (small["subject"], small["consumer"], small["first_error"], small["last_error"])
    assert told == (RUN_ENDED.name, "backend", "first", "last")
    assert small["deliveries"] == 2
    opened = (await house.http.get(f"{PATH}/{small['id']}", headers=house.admin())).json()
    assert '"status":"failed"' in opened["body"]
    assert (opened["truncated"], opened["headers"]["Heddle-Tenant"]) == (
        False,
        str(house.tenant_id),
    )
    cut = (await house.http.get(f"{PATH}/{large['id']}", headers=house.admin())).json()
    assert cut["truncated"] is True
    assert len(cut["body"].encode()) <= 65_536 + 2
    first = await house.http.get(PATH, params={"limit": 1}, headers=house.admin())
    assert first.json() == {"dead_letters": [small], "has_more": True}


async def test_one_goes_back_or_all_of_a_subject_or_none(house: House) -> None:
    for _ in range(4):
        buried(house)
    listed = (await house.http.get(PATH, headers=house.admin())).json()["dead_letters"]
    one, other = listed[0]["id"], listed[1]["id"]
    again = await house.http.post(f"{PATH}/{one}/requeue", headers=house.admin())
    assert again.json() == {"requeued": 1}
    assert (await house.http.delete(f"{PATH}/{other}", headers=house.admin())).status_code == 204
    for gone in (one, other):
        assert (await house.http.get(f"{PATH}/{gone}", headers=house.admin())).status_code == 404
    nothing = await house.http.post(
        f"{PATH}/requeue", params={"subject": "other"}, headers=house.admin()
    )
    assert nothing.json() == {"requeued": 0}
    rest = await house.http.post(
        f"{PATH}/requeue", params={"subject": RUN_ENDED.name}, headers=house.admin()
    )
    assert rest.json() == {"requeued": 2}
    assert (await house.http.get(PATH, headers=house.admin())).json()["dead_letters"] == []


async def test_only_an_admin_may(house: House) -> None:
    workspace = bearer(house.keys.workspace_api_key)
    assert (await house.http.get(PATH, headers=workspace)).status_code == 401
    assert (await house.http.post(f"{PATH}/1/requeue", headers=workspace)).status_code == 401
