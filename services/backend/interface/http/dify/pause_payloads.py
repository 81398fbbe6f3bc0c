"""Paused runs and the forms they wait for, as Dify's wire shows them."""

from collections.abc import Callable
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.forms import FormAction, FormField, HumanForm
from libs.common.contracts.run_events import (
    FormShown,
    HumanInputEnded,
    HumanInputRequired,
    RunPaused,
)
from services.backend.app.runs.start_run import StartedRun

Data = dict[str, JsonValue]
TokenOf = Callable[[UUID, float], str]
"""The token of a form, by its id and the instant at which it expires."""


def form_data(shown: FormShown, token_of: TokenOf) -> Data:
    """A form that people may answer."""
    return {
        "form_id": str(shown.form_id),
        "node_id": shown.node_id,
        "node_title": shown.title,
        **form_definition(shown.form),
        "display_in_ui": True,
        "form_token": token_of(shown.form_id, shown.expires_at),
        "expiration_time": int(shown.expires_at),
    }


def form_definition(form: HumanForm) -> Data:
    """What a form shows: its text, fields, defaults and buttons."""
    return {
        "form_content": form.content,
        "inputs": [_field(field) for field in form.fields],
        "actions": [_action(action) for action in form.actions],
        "resolved_default_values": {
            field.name: field.default for field in form.fields if field.default is not None
        },
    }


def human_input_required_data(event: HumanInputRequired, token_of: TokenOf) -> Data:
    return form_data(event.shown, token_of)


def human_input_ended_data(event: HumanInputEnded) -> Data:
    data: Data = {"node_id": event.node_id, "node_title": event.title}
    if event.kind == "human_input_timeout":
        return {**data, "expiration_time": int(event.expires_at)}
    return {
        **data,
        "rendered_content": event.rendered,
        "action_id": event.action,
        "action_text": event.action_title,
        "submitted_data": event.inputs,
    }


def workflow_paused_data(run: StartedRun, event: RunPaused, token_of: TokenOf) -> Data:
    return {
        "workflow_run_id": str(run.run_id),
        "outputs": {},
        "status": "paused",
        "created_at": int(event.created_at),
        "elapsed_time": event.elapsed_seconds,
        "total_tokens": event.total_tokens,
        "total_steps": event.total_steps,
        **_why(event, token_of),
    }


def paused_workflow_answer(run: StartedRun, event: RunPaused, token_of: TokenOf) -> Data:
    """The blocking answer of a workflow app."""
    return {
        "task_id": str(run.run_id),
        "workflow_run_id": str(run.run_id),
        "data": {
            "id": str(run.run_id),
            "workflow_id": str(run.version_id),
            "error": None,
            "finished_at": None,
            **workflow_paused_data(run, event, token_of),
        },
    }


def paused_chat_answer(run: StartedRun, event: RunPaused, text: str, token_of: TokenOf) -> Data:
    """The blocking answer of a chat app."""
    return {
        "event": "workflow_paused",
        "task_id": str(run.run_id),
        "id": str(run.message_id),
        "message_id": str(run.message_id),
        "conversation_id": str(run.conversation_id),
        "mode": run.mode,
        "answer": text,
        "metadata": {},
        "created_at": int(run.created_at.timestamp()),
        "workflow_run_id": str(run.run_id),
        "data": workflow_paused_data(run, event, token_of),
    }


def _why(event: RunPaused, token_of: TokenOf) -> Data:
    reasons: list[JsonValue] = [
        {"TYPE": "human_input_required", **form_data(shown, token_of)} for shown in event.forms
    ]
    if event.reason is not None:
        reasons.append({"TYPE": "scheduled_pause", "message": event.reason})
    nodes: list[JsonValue] = [shown.node_id for shown in event.forms]
    return {"paused_nodes": nodes, "reasons": reasons}


def _field(field: FormField) -> Data:
    default: Data = {"type": "constant", "selector": [], "value": field.default}
    shown: Data = {
        "type": field.type,
        "output_variable_name": field.name,
        "default": None if field.default is None else default,
    }
    if field.type == "select":
        options: list[JsonValue] = [*field.options]
        shown["option_source"] = {"type": "constant", "selector": [], "value": options}
    return shown


def _action(action: FormAction) -> Data:
    return {"id": action.id, "title": action.title, "button_style": action.style}
