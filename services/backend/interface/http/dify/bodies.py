"""Request bodies on Dify's wire. Fields that are not listed are ignored, as there."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue

from libs.common.errors import InvalidInput
from services.backend.domain.identity.end_users import DEFAULT_SESSION


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


ConversationId = Annotated[UUID | None, BeforeValidator(_empty_is_none)]
ResponseMode = Annotated[Literal["blocking", "streaming"] | None, BeforeValidator(_empty_is_none)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class WorkflowRunBody(_Body):
    inputs: dict[str, JsonValue]
    response_mode: ResponseMode = None
    user: str | None = None
    files: list[JsonValue] | None = None


class ChatBody(_Body):
    inputs: dict[str, JsonValue]
    query: str
    response_mode: ResponseMode = None
    user: str | None = None
    conversation_id: ConversationId = None
    files: list[JsonValue] | None = None
    auto_generate_name: bool = True
    workflow_id: ConversationId = None


class UserBody(_Body):
    user: str | None = None


class RenameBody(_Body):
    user: str | None = None
    name: str | None = None
    auto_generate: bool = False


class VariableBody(_Body):
    value: JsonValue
    user: str | None = None


def required_user(user: str | None) -> str:
    """Raises InvalidInput where the caller names nobody."""
    if not user:
        raise InvalidInput("Arg user must be provided.")
    return user


def user_or_default(user: str | None) -> str:
    return user or DEFAULT_SESSION
