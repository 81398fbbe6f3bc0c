"""Numbers and shapes that nobody expects bring no request down."""

import pytest

from tests.integration.backend.conftest import House
from tests.integration.backend.file_apps import file_app


async def test_a_bound_that_nobody_can_count_to_bounds_nothing(house: House) -> None:
    features = f"  features:\n    run_limits: {{max_steps: 1{'0' * 400}}}\n"
    document = file_app().replace("  features:\n", features, 1)
    app_id = (await house.imported(document))["app_id"]
    answer = await house.http.post(
        f"/api/apps/{app_id}/runs", json={"query": "hi"}, params={"wait": 10}, headers=house.admin()
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("method", [["local_file"], {"local_file": 1}])
async def test_a_made_up_variable_may_look_a_little_like_a_file(
    house: House, method: object
) -> None:
    app_id = (await house.imported(file_app()))["app_id"]
    answer = await house.http.post(
        f"/api/apps/{app_id}/nodes/llm/test",
        json={"variables": {"start": {"doc": {"transfer_method": method}}}},
        headers=house.admin(),
    )
    assert answer.status_code == 202, answer.text
