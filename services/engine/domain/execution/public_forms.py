"""The forms of a run as the world sees them."""

from services.engine.domain.events import journal
from services.engine.domain.execution.frame_paths import is_within
from services.engine.domain.node_parts.form_content import filled_content
from services.engine.domain.variables.record import record
from services.engine.domain.variables.secret_mask import SecretMask
from services.engine.domain.variables.values import Value


@record
class ShownForm:
    """An open form: the effect that asks for it, and a `FormShown` as plain JSON."""

    key: str
    shown: dict[str, Value]


class ShownForms:
    """The open ones, in the order in which they were opened. `mask` hides secrets in them."""

    def __init__(self, mask: SecretMask | None) -> None:
        self._mask = mask
        self._open: dict[str, dict[str, Value]] = {}

    def all(self) -> list[Value]:
        return [*self._open.values()]

    def opened(self, event: journal.FormOpened, title: str) -> dict[str, Value]:
        shown: dict[str, Value] = {
            "form_id": event.form_id,
            "node_id": event.node_id,
            "title": title,
            "frame_path": event.frame,
            "form": event.form if self._mask is None else masked_form(event.form, self._mask),
            "expires_at": event.due,
        }
        self._open[event.key] = shown
        return {"kind": "human_input_required", "shown": shown}

    def closed(self, event: journal.FormClosed) -> dict[str, Value]:
        shown = self._open.pop(event.key)
        form = shown["form"]
        assert isinstance(form, dict), "an open form is shown with its form"
        return {
            "kind": "human_input_timeout" if event.timed_out else "human_input_filled",
            "form_id": shown["form_id"],
            "action": "" if event.timed_out else event.action,
            "action_title": _title(form.get("actions"), event.action),
            "inputs": event.inputs if self._mask is None else self._mask.values(event.inputs),
            "actor": event.actor,
            "rendered": filled_content(str(form.get("content")), event.inputs),
            "expires_at": shown["expires_at"],
        }

    def forget(self, path: str) -> None:
        """The round at `path` failed: nobody waits for its forms."""
        for key, shown in [*self._open.items()]:
            if is_within(str(shown["frame_path"]), path):
                del self._open[key]

    def snapshot(self) -> list[ShownForm]:
        return [ShownForm(key=key, shown=shown) for key, shown in self._open.items()]

    def restore(self, saved: list[ShownForm]) -> None:
        self._open = {each.key: each.shown for each in saved}


def masked_form(form: dict[str, Value], mask: SecretMask) -> dict[str, Value]:
    """A form as it may be shown: its texts masked, its shape kept."""
    return {
        name: _masked(value, mask) if name in {"title", "content", "fields"} else value
        for name, value in form.items()
    }


def _masked(value: Value, mask: SecretMask) -> Value:
    match value:
        case str():
            return mask.text(value)
        case list():
            return [_masked(item, mask) for item in value]
        case dict():
            kept = {"name", "type"}
            return {
                name: item if name in kept else _masked(item, mask) for name, item in value.items()
            }
        case _:
            return value


def _title(actions: Value, wanted: str) -> str:
    for action in actions if isinstance(actions, list) else ():
        if isinstance(action, dict) and action.get("id") == wanted:
            return str(action.get("title"))
    return ""
