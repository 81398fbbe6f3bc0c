"""human-input: what it shows, what it takes from people, and which branch it names."""

from typing import Any

import pytest

from libs.common.contracts.form_deliveries import EmailDelivery, WebhookDelivery
from libs.common.contracts.forms import TIMED_OUT, FormField, HumanAnswer, HumanForm
from services.engine.domain.node_parts.effects import AskHuman
from services.engine.domain.node_parts.form_content import field_names, filled_content
from services.engine.domain.node_parts.form_inputs import FormInputInvalid, checked_inputs
from services.engine.domain.node_parts.node_contract import DeclaresOutputs
from tests.unit.engine.node_driver import drive, parse_node

YES = {"id": "yes", "title": "Yes", "button_style": "primary"}
POOL: dict[str, dict[str, Any]] = {
    "s": {"sum": 7, "who": "ann", "days": ["mon", "tue"], "nothing": None}
}


def _data(**more: Any) -> dict[str, Any]:
    return {"type": "human-input", "title": "Approve", "user_actions": [YES], **more}


def _asked(**more: Any) -> AskHuman:
    (asked,) = drive(parse_node(_data(**more)), POOL, (HumanAnswer(action="yes"),)).requests
    assert isinstance(asked, AskHuman)
    return asked


def _field(**more: Any) -> FormField:
    asked = _asked(inputs=[{"output_variable_name": "f", **more}])
    (field,) = asked.form.fields
    return field


def _problems(**more: Any) -> list[str]:
    return [problem.code for problem in parse_node(_data(**more)).problems]


def test_variables_are_shown_and_places_of_fields_stay() -> None:
    form = _asked(form_content="Pay {{#s.sum#}} to {{#s.who#}}? {{#$output.why#}}").form
    assert form.content == "Pay 7 to ann? {{#$output.why#}}"
    assert (form.title, form.actions[0].style) == ("Approve", "primary")


@pytest.mark.parametrize("place", ["{{#$output.why#}}", "{{#$outputs.why#}}"])
def test_answers_stand_in_their_places(place: str) -> None:
    assert field_names(f"a {place} b") == ("why",)
    assert filled_content(f"a {place} b", {"why": "so"}) == "a so b"
    assert filled_content(f"a {place} b", {}) == "a  b"


def test_the_answer_names_the_branch_and_its_fields_are_outputs() -> None:
    answer = HumanAnswer(action="yes", inputs={"why": "so"}, actor="ann")
    done = drive(parse_node(_data(form_content="{{#$output.why#}}!")), POOL, (answer,))
    assert done.result is not None
    assert done.result.handle == "yes"
    assert done.outputs == {
        "why": "so",
        "__action_id": "yes",
        "__action_value": "Yes",
        "__rendered_content": "so!",
    }
    assert done.result.process_data == {"actor": "ann"}


def test_nobody_answering_leaves_the_defaults() -> None:
    fields = [{"output_variable_name": "why", "default": {"type": "constant", "value": "-"}}]
    node = parse_node(_data(form_content="{{#$output.why#}}", inputs=fields))
    done = drive(node, POOL, (HumanAnswer(action=TIMED_OUT),))
    assert done.result is not None
    assert done.result.handle == "__timeout"
    assert done.outputs == {
        "why": "-",
        "__action_id": "",
        "__action_value": "",
        "__rendered_content": "-",
    }


def test_a_default_may_be_a_variable_and_is_text() -> None:
    variable = {"type": "variable", "selector": ["s", "sum"]}
    assert _field(default=variable).default == "7"
    assert _field(default={"type": "variable", "selector": ["s", "gone"]}).default is None
    assert _field(type="text_input", default={"type": "constant", "value": "x"}).default == "x"


def test_options_are_written_down_or_a_variable() -> None:
    written = {"type": "constant", "value": ["a", "b"]}
    assert _field(type="select", option_source=written).options == ("a", "b")
    read = {"type": "variable", "selector": ["s", "days"]}
    assert _field(type="select", option_source=read).options == ("mon", "tue")
    assert _field(type="select", options=["x"]).options == ("x",)


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ({}, 36 * 3600),
        ({"timeout": 2}, 2 * 3600),
        ({"timeout": 2, "timeout_unit": "day"}, 2 * 86400),
    ],
)
def test_the_time_to_answer(more: dict[str, Any], seconds: float) -> None:
    asked = _asked(**more)
    assert (asked.seconds, asked.gives_up) == (seconds, None)


def test_above_the_longest_life_of_a_form_the_run_gives_up() -> None:
    asked = _asked(timeout=8, timeout_unit="day")
    assert asked.seconds == 7 * 86400
    assert asked.gives_up is not None


def test_what_is_wrong_is_told_before_a_run() -> None:
    assert _problems() == []
    assert _problems(user_actions=[]) == ["missing_field"]
    assert _problems(user_actions=[YES, YES]) == ["duplicate_action"]
    assert _problems(timeout_unit="week") == ["unknown_unit"]
    assert _problems(timeout=0) == ["not_positive"]
    assert _problems(inputs=[{"output_variable_name": "f", "type": "colour"}]) == ["wrong_type"]
    assert _problems(inputs=[{"output_variable_name": "f"}] * 2) == ["duplicate_field"]
    assert _problems(inputs=[{"type": "paragraph"}]) == ["missing_field"]


def test_references_and_outputs_are_declared() -> None:
    node = parse_node(
        _data(
            form_content="{{#s.sum#}}",
            inputs=[
                {
                    "output_variable_name": "f",
                    "default": {"type": "variable", "selector": ["s", "who"]},
                }
            ],
        )
    )
    assert set(node.references) == {("s", "sum"), ("s", "who")}
    assert isinstance(node, DeclaresOutputs)
    assert set(node.output_types) == {
        "f",
        "__action_id",
        "__action_value",
        "__rendered_content",
    }


def _form(*fields: FormField) -> HumanForm:
    return HumanForm(title="t", content="", fields=fields, actions=())


def test_inputs_are_those_of_the_fields_with_defaults_for_the_rest() -> None:
    form = _form(FormField(name="a"), FormField(name="b", default="x"))
    assert checked_inputs(form, {"a": "1", "else": 2}) == {"a": "1", "b": "x"}
    assert checked_inputs(form, {"a": "", "b": "y"}) == {"a": "", "b": "y"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (FormField(name="f"), None),
        (FormField(name="f"), 7),
        (FormField(name="f", type="select", options=("a",)), "b"),
        (FormField(name="f", type="select", options=("a",)), ["a"]),
        (FormField(name="f", type="file"), "name"),
        (FormField(name="f", type="file-list"), {}),
        (FormField(name="f", type="file-list"), ["name"]),
    ],
)
def test_an_input_that_does_not_fit_is_refused(field: FormField, value: Any) -> None:
    with pytest.raises(FormInputInvalid, match=r"^f "):
        checked_inputs(_form(field), {"f": value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (FormField(name="f", type="select", options=("a",)), "a"),
        (FormField(name="f", type="file"), {"id": "1"}),
        (FormField(name="f", type="file-list"), [{"id": "1"}]),
    ],
)
def test_an_input_that_fits_is_taken(field: FormField, value: Any) -> None:
    assert checked_inputs(_form(field), {"f": value}) == {"f": value}


def _mail(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    config = {"recipients": {"items": [*items]}, "subject": "s", "body": "b", **more}
    return {"id": "1", "type": "email", "config": config}


def _to(email: str) -> dict[str, Any]:
    return {"type": "external", "email": email}


def test_each_recipient_is_told_once_with_the_variables_of_that_moment() -> None:
    mail = _mail(
        _to("ann@example.com"),
        _to("Bob@example.com"),
        _to("ANN@example.com"),
        subject="Pay {{#s.sum#}}",
        body="{{#s.who#}}: {{#url#}} ({{#s.sum#}})",
    )
    hook = {"type": "webhook", "config": {"url": "https://example.com/hook?x=1"}}
    body = ("ann: ", " (7)")
    assert _asked(delivery_methods=[{"type": "webapp"}, mail, hook]).deliveries == (
        EmailDelivery(to="ann@example.com", subject="Pay 7", body=body),
        EmailDelivery(to="Bob@example.com", subject="Pay 7", body=body),
        WebhookDelivery(url="https://example.com/hook?x=1"),
    )


def test_nobody_is_told_where_it_is_switched_off() -> None:
    assert _asked().deliveries == ()
    assert _asked(delivery_methods=[{**_mail(_to("a@b.c")), "enabled": False}]).deliveries == ()


def test_a_link_in_what_somebody_wrote_is_no_place_for_ours() -> None:
    mail = _mail(_to("a@b.c"), body="{{#s.sly#}}")
    pool = {"s": {"sly": "{{#url#}}"}}
    node = parse_node(_data(delivery_methods=[mail]))
    (asked,) = drive(node, pool, (HumanAnswer(action="yes"),)).requests
    assert isinstance(asked, AskHuman)
    assert asked.deliveries == (EmailDelivery(to="a@b.c", subject="s", body=("{{#url#}}",)),)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "a@b@c",
        "a b@c.d",
        "a@b.c\nBcc: x@y.z",
        "<a@b.c>",
        "a@b.c, d@e.f",
        "a@" + "b" * 260,
    ],
)
def test_what_is_no_address_is_told_and_left_out(address: str) -> None:
    methods = [_mail(_to(address), _to("a@b.c"))]
    assert _problems(delivery_methods=methods) == ["not_address"]
    assert [each.channel for each in _asked(delivery_methods=methods).deliveries] == ["email"]


@pytest.mark.parametrize(
    "url", ["", "ftp://a/b", "https://ann:pw@a/b", "https://a /b", "//a", "https://a\\@b"]
)
def test_a_webhook_has_an_address_without_a_user(url: str) -> None:
    methods = [{"type": "webhook", "config": {"url": url}}]
    assert _problems(delivery_methods=methods) == ["not_url"]
    assert _asked(delivery_methods=methods).deliveries == ()


def test_whoever_cannot_be_told_is_a_warning() -> None:
    member = {"type": "member", "user_id": "1"}
    assert _problems(delivery_methods=[_mail(member)]) == ["members_unknown", "nobody_told"]
    everybody = _mail(recipients={"whole_workspace": True, "items": []})
    assert _problems(delivery_methods=[everybody]) == ["members_unknown", "nobody_told"]
    assert _problems(delivery_methods=[{"type": "slack"}]) == ["unknown_channel"]
    problems = parse_node(_data(delivery_methods=[_mail(member)])).problems
    assert {problem.severity for problem in problems} == {"warning"}


def test_what_a_mail_shows_is_read_by_the_node() -> None:
    mail = _mail(_to("a@b.c"), subject="{{#s.sum#}}", body="{{#s.who#}} {{#url#}}")
    node = parse_node(_data(delivery_methods=[mail]))
    assert set(node.references) == {("s", "sum"), ("s", "who")}
