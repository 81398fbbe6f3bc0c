"""The time now, anywhere."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.plugin.domain.tool_context import JsonObject, ToolContext, ToolFailure, ToolOutput


async def run(arguments: JsonObject, context: ToolContext) -> ToolOutput:
    """The call's instant in `timezone`, as text in `format` where that is given.

    Raises ToolFailure for an unknown zone.
    """
    name = str(arguments.get("timezone") or "UTC")
    layout = str(arguments.get("format") or "")
    try:
        local = context.now.astimezone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        msg = f"no time zone {name!r}; names are like Europe/Berlin"
        raise ToolFailure(msg) from cause
    iso = local.isoformat(timespec="seconds")
    return ToolOutput(
        text=local.strftime(layout) if layout else f"{iso} ({local:%A}, {name})",
        data={
            "iso": iso,
            "timezone": name,
            "weekday": f"{local:%A}",
            "unix": int(local.timestamp()),
        },
    )
