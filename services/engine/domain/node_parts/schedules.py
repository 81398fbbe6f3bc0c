"""When a schedule is due: a cron expression of five fields, written out or put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from services.engine.domain.variables.values import Value

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LAST_DAY = "l"


class ScheduleWrong(ValueError):
    """`field` is what is wrong, in the node's data."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    first: int = 0
    last_day: bool = False


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31, last_day=True),
    _Field("month", 1, 12, _MONTHS, first=1),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


def check_cron(expression: str) -> None:
    """Raises ScheduleWrong where `expression` is no list of five cron fields or a nickname."""
    written = expression.strip().lower()
    parts = _NICKNAMES.get(written, written).split()
    if len(parts) != len(_FIELDS):
        raise _wrong(f"must have five fields, not {len(parts)}")
    for field, part in zip(_FIELDS, parts, strict=True):
        for item in part.split(","):
            _check_item(field, item)


def cron_of(frequency: str, visual: Mapping[str, Value]) -> str:
    """The cron expression that the fields of the editor stand for. Raises ScheduleWrong."""
    if frequency == "hourly":
        minute = visual.get("on_minute", 0)
        if isinstance(minute, bool) or not isinstance(minute, int) or not 0 <= minute <= 59:
            raise ScheduleWrong("visual_config.on_minute", "must be a minute from 0 to 59")
        return f"{minute} * * * *"
    if frequency not in {"daily", "weekly", "monthly"}:
        raise ScheduleWrong("frequency", "must be hourly, daily, weekly or monthly")
    at = _time(visual.get("time", "12:00 AM"))
    clock = f"{at.minute} {at.hour}"
    if frequency == "daily":
        return f"{clock} * * *"
    if frequency == "weekly":
        return f"{clock} * * {_weekdays(visual.get('weekdays'))}"
    return f"{clock} {_month_days(visual.get('monthly_days'))} * *"


def _check_item(field: _Field, item: str) -> None:
    span, stepped, step = item.partition("/")
    if stepped and not (step.isdecimal() and int(step) > 0):
        raise _wrong(f"{item!r} is no {field.name}")
    if span in {"*", "?"} or (field.last_day and span == _LAST_DAY):
        return
    first, ranged, last = span.partition("-")
    low = _number(field, first, item)
    if ranged and _number(field, last, item) < low:
        raise _wrong(f"{item!r} is no {field.name}: it ends before it begins")


def _number(field: _Field, text: str, item: str) -> int:
    if text in field.names:
        return field.names.index(text) + field.first
    if not (text.isascii() and text.isdecimal()) or not field.least <= int(text) <= field.most:
        raise _wrong(f"{item!r} is no {field.name}")
    return int(text)


def _time(raw: Value) -> time:
    """`2:30 PM`."""
    clock, _, half = (raw if isinstance(raw, str) else "").strip().upper().partition(" ")
    hour, _, minute = clock.partition(":")
    if half in {"AM", "PM"} and hour.isdecimal() and minute.isdecimal():
        hours, minutes = int(hour), int(minute)
        if 1 <= hours <= 12 and minutes <= 59:
            return time(hours % 12 + (12 if half == "PM" else 0), minutes)
    raise ScheduleWrong("visual_config.time", "must be a time such as 2:30 PM")


def _weekdays(raw: Value) -> str:
    days = raw if isinstance(raw, list) else []
    numbers = {_WEEKDAYS.index(day) for day in days if isinstance(day, str) and day in _WEEKDAYS}
    if not days or len(numbers) != len(days):
        message = f"must list days of the week once each: {', '.join(_WEEKDAYS)}"
        raise ScheduleWrong("visual_config.weekdays", message)
    return ",".join(map(str, sorted(numbers)))


def _month_days(raw: Value) -> str:
    days = raw if isinstance(raw, list) else []
    numbers = {
        day for day in days if isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= 31
    }
    last = "last" in days
    if not days or any(day != "last" and day not in numbers for day in days):
        message = "must list days of the month, 1 to 31 or last"
        raise ScheduleWrong("visual_config.monthly_days", message)
    return ",".join([*map(str, sorted(numbers)), *(["L"] if last else [])])


def _wrong(message: str) -> ScheduleWrong:
    return ScheduleWrong("cron_expression", message)
