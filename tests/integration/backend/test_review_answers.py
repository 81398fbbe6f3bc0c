"""What whoever has the link of a form can leave behind, and how much is read of it."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.forms import (
    FormAction,
    FormField,
    FormQuery,
    FormSubmitted,
    FormView,
    HumanForm,
    SubmitForm,
)
from libs.common.contracts.subjects import FORM, SUBMIT_FORM
from libs.common.errors import HeddleError, InvalidInput, UpstreamTimeout
from libs.common.identifiers import uuid7
from tests.integration.backend.conftest import House
from tests.integration.backend.file_apps import file_app

_FORM = HumanForm(
    title="Ask",
    content="Your papers?",
    fields=(FormField(name="paper", type="file"), FormField(name="more", type="file-list")),
    actions=(FormAction(id="go", title="Go"),),
)
_FILES = [
    ("field-paper", ("plan.txt", b"hello", "text/plain")),
    ("field-more", ("a.csv", b"a,b", "text/csv")),
]


# Nothing in it repeats, so that no index makes it smaller.
_LONG = "".join(sha256(bytes([place])).hexdigest() for place in range(250))


@dataclass(slots=True, kw_only=True)
class Asked:
    """A form that an engine keeps, which refuses with `problem`."""

    app_id: UUID
    form_id: UUID = field(default_factory=uuid7)
    problem: HeddleError | None = None
    taken: list[SubmitForm] = field(default_factory=list[SubmitForm])

    async def view(self, _: FormQuery, __: Envelope) -> FormView:
        return FormView(
            form_id=self.form_id,
            run_id=uuid4(),
            app_id=self.app_id,
            node_id="ask",
            status="open",
            digest="d" * 64,
            title=_FORM.title,
            opened_at=0.0,
            expires_at=4e9,
            form=_FORM,
        )

    async def submit(self, answer: SubmitForm, _: Envelope) -> FormSubmitted:
        if self.problem is not None:
            raise self.problem
        self.taken.append(answer)
        return FormSubmitted(form_id=self.form_id, run_id=uuid4(), run_status="running")


@pytest.fixture
async def asked(house: House) -> Asked:
    asked = Asked(app_id=UUID((await house.imported(file_app()))["app_id"]))
    await house.bus.serve(FORM, asked.view)
    await house.bus.serve(SUBMIT_FORM, asked.submit)
    return asked


def _path(house: House, asked: Asked) -> str:
    links = house.cases.form_links
    return f"/review/{links.token(house.tenant_id, asked.form_id, 4e9)}"


async def _sent(house: House, asked: Asked, once: str = "1") -> int:
    data: dict[str, Any] = {"action": "go", "digest": "d" * 64, "once": once}
    answer = await house.http.post(_path(house, asked), data=data, files=_FILES)
    return answer.status_code


async def _objects(house: House) -> int:
    return len([info async for info in house.objects.list("uploads/")])


async def _rows(house: House) -> int:
    return await house.sweeper_pool.fetchval("select count(file_id) from backend.uploaded_files")


async def test_an_answer_that_is_refused_leaves_no_file_and_can_be_sent_again(
    house: House, asked: Asked
) -> None:
    asked.problem = InvalidInput("An input does not fit.")
    for once in ("1", "1", "2", ""):
        assert await _sent(house, asked, once) == 400
    assert (await _objects(house), await _rows(house)) == (0, 0)
    asked.problem = None
    assert await _sent(house, asked) == 200
    assert await _sent(house, asked) == 200
    first, second = asked.taken
    assert (first.command_id, first.inputs) == (second.command_id, second.inputs)
    assert (await _objects(house), await _rows(house)) == (2, 2)


async def test_the_files_of_an_answer_that_may_have_been_taken_stay(
    house: House, asked: Asked
) -> None:
    asked.problem = UpstreamTimeout("No answer.")
    assert await _sent(house, asked) == 504
    assert (await _objects(house), await _rows(house)) == (2, 2)
    asked.problem = None
    assert await _sent(house, asked) == 200
    assert (await _objects(house), await _rows(house)) == (2, 2)


async def test_a_later_refusal_takes_no_file_from_an_answer_that_was_taken(
    house: House, asked: Asked
) -> None:
    assert await _sent(house, asked) == 200
    asked.problem = InvalidInput("Another click, with other words.")
    assert await _sent(house, asked) == 400
    assert (await _objects(house), await _rows(house)) == (2, 2)


async def test_the_mark_of_a_click_may_be_of_any_length(house: House, asked: Asked) -> None:
    for _ in range(2):
        assert await _sent(house, asked, _LONG) == 200
    assert (await _objects(house), await _rows(house)) == (2, 2)


async def test_an_answer_without_files_is_small(house: House, asked: Asked) -> None:
    for size, status in ((600_000, 200), (1_200_000, 413)):
        content = b"action=go&field-x=" + b"x" * size
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await house.http.post(_path(house, asked), content=content, headers=headers)
        assert answer.status_code == status
    assert len(asked.taken) == 1
