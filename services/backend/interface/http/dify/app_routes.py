"""What an app tells its clients about itself, on Dify's wire."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import JsonValue

from services.backend.app.apps.published_apps import PublishedApp, PublishedApps
from services.backend.app.errors import AppNotPublished, AppUnavailable
from services.backend.domain.apps.json_reading import as_list, as_mapping, as_text
from services.backend.domain.apps.start_form import user_input_form
from services.backend.domain.files.file_kinds import SizeLimits
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf, app_of
from services.backend.interface.http.dify.errors import ERRORS

_OFF: dict[str, JsonValue] = {"enabled": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppDoor:
    caller: CallerOf
    apps: PublishedApps
    limits: SizeLimits

    async def published(self, who: Principal) -> PublishedApp:
        """Raises AppUnavailable where nothing is published."""
        app = await self.apps.app(who.tenant_id, app_of(who))
        try:
            return await self.apps.published(who.tenant_id, app)
        except AppNotPublished as error:
            raise AppUnavailable(
                "App unavailable, please check your app configurations.", extra=error.extra
            ) from error


def app_router(door: AppDoor) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["dify: app"], responses=ERRORS)
    app_key = Depends(door.caller.of("app"))

    @router.get("/parameters")
    async def parameters(who: Annotated[Principal, app_key]) -> dict[str, JsonValue]:
        return _parameters(await door.published(who), door.limits)

    @router.get("/info")
    async def info(who: Annotated[Principal, app_key]) -> dict[str, JsonValue]:
        app = await door.apps.app(who.tenant_id, app_of(who))
        return {
            "name": app.name,
            "description": app.description,
            "tags": [],
            "mode": app.mode,
            "author_name": "",
        }

    @router.get("/meta")
    async def meta(who: Annotated[Principal, app_key]) -> dict[str, JsonValue]:
        await door.apps.app(who.tenant_id, app_of(who))
        return {"tool_icons": {}}

    @router.get("/site")
    async def site(who: Annotated[Principal, app_key]) -> dict[str, JsonValue]:
        app = await door.apps.app(who.tenant_id, app_of(who))
        return {
            "title": app.name,
            "chat_color_theme": None,
            "chat_color_theme_inverted": False,
            "icon_type": "emoji",
            "icon": app.icon,
            "icon_background": None,
            "icon_url": None,
            "description": app.description,
            "copyright": None,
            "privacy_policy": None,
            "custom_disclaimer": "",
            "default_language": "en-US",
            "show_workflow_steps": True,
            "use_icon_as_answer_icon": False,
        }

    _ = (parameters, info, meta, site)
    return router


def _parameters(published: PublishedApp, limits: SizeLimits) -> dict[str, JsonValue]:
    definition = published.version.definition
    features = definition.features

    def feature(name: str) -> dict[str, JsonValue]:
        return as_mapping(features.get(name)) or _OFF

    return {
        "opening_statement": as_text(features.get("opening_statement")),
        "suggested_questions": as_list(features.get("suggested_questions")),
        "suggested_questions_after_answer": feature("suggested_questions_after_answer"),
        "speech_to_text": feature("speech_to_text"),
        "text_to_speech": {"voice": "", "language": "", **feature("text_to_speech")},
        "retriever_resource": feature("retriever_resource"),
        "annotation_reply": feature("annotation_reply"),
        "more_like_this": feature("more_like_this"),
        "user_input_form": user_input_form(definition),
        "sensitive_word_avoidance": feature("sensitive_word_avoidance"),
        "file_upload": feature("file_upload"),
        "system_parameters": {
            "image_file_size_limit": limits.image,
            "video_file_size_limit": limits.video,
            "audio_file_size_limit": limits.audio,
            "file_size_limit": limits.document,
            "workflow_file_upload_limit": 10,
        },
    }
