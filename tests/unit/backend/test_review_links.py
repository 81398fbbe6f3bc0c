"""Links to forms, and the page they lead to."""

import base64
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from libs.common.contracts.forms import FormAction, FormField, FormView, HumanForm
from services.backend.app.reviews.form_links import FormLinks, FormLinkUnknown
from services.backend.infra.credential_sealer import MasterKeySealer
from services.backend.interface.http.review.page import HEADERS, closed_page, form_page
from tests.support.manual_clock import ManualClock

TENANT, FORM = uuid4(), uuid4()
DAY = 86_400.0


def _links(clock: ManualClock, letter: bytes = b"k") -> FormLinks:
    key = SecretStr(base64.b64encode(letter * 32).decode())
    return FormLinks(sealer=MasterKeySealer(key), clock=clock)


def _token(clock: ManualClock, seconds: float = 60.0) -> str:
    return _links(clock).token(TENANT, FORM, clock.now().timestamp() + seconds)


def test_a_link_leads_to_its_form_and_is_always_the_same() -> None:
    clock = ManualClock()
    address = _links(clock).address(_token(clock))
    assert (address.tenant_id, address.form_id) == (TENANT, FORM)
    assert _token(clock) == _token(clock)


def test_no_altered_link_holds() -> None:
    clock = ManualClock()
    links, token = _links(clock), _token(clock)
    for place, letter in enumerate(token):
        other = "B" if letter == "A" else "A"
        with pytest.raises(FormLinkUnknown):
            links.address(token[:place] + other + token[place + 1 :])
    for broken in ("", "x", token[:-1], token + "A", "ü" * 75, token + "="):
        with pytest.raises(FormLinkUnknown):
            links.address(broken)


def test_a_link_of_another_master_key_does_not_hold() -> None:
    clock = ManualClock()
    with pytest.raises(FormLinkUnknown):
        _links(clock, b"x").address(_token(clock))


def test_a_link_says_to_whom_it_was_sent() -> None:
    clock, delivery = ManualClock(), uuid4()
    links = _links(clock)
    until = clock.now().timestamp() + 60
    token = links.token(TENANT, FORM, until, delivery)
    assert links.address(token).delivery_id == delivery
    assert links.address(_token(clock)).delivery_id is None
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in (40, 55):
        altered = bytearray(raw)
        altered[place] ^= 1
        with pytest.raises(FormLinkUnknown):
            links.address(base64.urlsafe_b64encode(altered).decode().rstrip("="))
    without = base64.urlsafe_b64encode(raw[:40] + raw[56:]).decode().rstrip("=")
    with pytest.raises(FormLinkUnknown):
        links.address(without)


def test_a_link_of_a_master_key_that_is_being_replaced_still_holds() -> None:
    clock = ManualClock()
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"n"))
    both = FormLinks(sealer=MasterKeySealer(SecretStr(f"{new}, {old}")), clock=clock)
    assert both.address(_token(clock)).form_id == FORM
    made = both.token(TENANT, FORM, clock.now().timestamp() + 60)
    assert _links(clock, b"n").address(made).form_id == FORM


@pytest.mark.parametrize(
    ("public", "begins"), [(None, "/review/"), ("https://h.test/x", "https://h.test/x/review/")]
)
def test_links_begin_where_people_reach_us(public: str | None, begins: str) -> None:
    key = SecretStr(base64.b64encode(b"k" * 32).decode())
    links = FormLinks(sealer=MasterKeySealer(key), clock=ManualClock(), public_url=public)
    assert links.url(TENANT, FORM, 4e9).startswith(begins)


async def test_a_link_holds_until_a_day_after_its_form() -> None:
    clock = ManualClock()
    token = _token(clock, 60.0)
    await clock.advance(DAY + 59)
    assert _links(clock).address(token).form_id == FORM
    await clock.advance(3)
    with pytest.raises(FormLinkUnknown):
        _links(clock).address(token)


def _view(form: HumanForm, **more: object) -> FormView:
    view = FormView(
        form_id=FORM,
        run_id=UUID(int=1),
        app_id=UUID(int=2),
        node_id="n",
        status="open",
        digest="d" * 64,
        title=form.title,
        opened_at=0.0,
        expires_at=1.0,
        form=form,
    )
    return view.model_copy(update=more)


HOSTILE = '"><script>alert(1)</script>'


def test_nothing_that_somebody_wrote_becomes_a_part_of_the_page() -> None:
    form = HumanForm(
        title=HOSTILE,
        content=HOSTILE + "{{#$output.why#}}",
        fields=(
            FormField(name=HOSTILE, default=HOSTILE),
            FormField(name="when", type="select", options=(HOSTILE,), default=HOSTILE),
        ),
        actions=(FormAction(id=HOSTILE, title=HOSTILE),),
    )
    page = form_page(_view(form), once=HOSTILE, problem=HOSTILE)
    assert "<script" not in page
    assert page.count("alert(1)") >= 8
    assert "[why]" in page
    assert "<script" not in closed_page(_view(form, status="submitted"))


def test_every_field_has_a_label_of_its_own_and_every_action_a_button() -> None:
    form = HumanForm(
        title="t",
        content="c",
        fields=(FormField(name="why"), FormField(name="when", type="select", options=("now",))),
        actions=(FormAction(id="yes", title="Yes"), FormAction(id="no", title="No")),
    )
    page = form_page(_view(form), once="1")
    for name in ("why", "when"):
        assert f'<label for="field-{name}">' in page
        assert f'id="field-{name}"' in page
    assert page.count('<button type="submit"') == 2
    assert '<html lang="en">' in page
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_a_form_that_wants_files_is_sent_in_parts() -> None:
    fields = (FormField(name="f", type="file"), FormField(name="more", type="file-list"))
    page = form_page(_view(HumanForm(title="t", content="c", fields=fields, actions=())), once="1")
    assert '<form method="post" enctype="multipart/form-data">' in page
    assert '<input type="file" id="field-f" name="field-f">' in page
    assert '<input type="file" id="field-more" name="field-more" multiple>' in page
