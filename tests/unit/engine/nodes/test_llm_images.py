"""What an llm node shows a model of images: those in its texts, and those of `vision`."""

import pytest

from libs.common.contracts.chat import ChatMessage, ChatResult, ImageContent, TextContent
from services.engine.domain.node_parts.effects import CallModel
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node


def _image(name: str, **more: Value) -> dict[str, Value]:
    url = f"https://x.test/{name}"
    return {"type": "image", "transfer_method": "remote_url", "url": url, **more}


CAT, DOG = _image("cat.png"), _image("dog.png")
PAPER: Value = {
    "type": "document",
    "transfer_method": "remote_url",
    "url": "https://x.test/a.pdf",
}
STORED: Value = {
    "dify_model_identity": "__dify__file__",
    "type": "image",
    "transfer_method": "tool_file",
    "filename": "made.png",
    "object_key": "http/t/x",
}
NOWHERE: Value = {
    "type": "image",
    "transfer_method": "local_file",
    "filename": "made.png",
    "upload_file_id": "u",
}
ANSWER = ChatResult(generation="g", model="p/m", text="a cat")
VISION: Value = {"enabled": True, "configs": {"variable_selector": ["sys", "files"]}}
SYSTEM: Value = {"role": "system", "text": "Look."}
USER: Value = {"role": "user", "text": "What is it?"}
TEXT = TextContent(text="What is it?")


def _shown(file: dict[str, Value], detail: str = "high") -> ImageContent:
    return ImageContent.model_validate({"url": file["url"], "detail": detail})


def _asked(files: Value, *prompt: Value, vision: Value = VISION, **data: Value) -> Drive:
    node: dict[str, Value] = {
        "type": "llm",
        "model": {"provider": "p", "name": "m", "mode": "chat"},
        "prompt_template": list(prompt),
        "vision": vision,
        **data,
    }
    scopes: dict[str, dict[str, Value]] = {
        "sys": {"files": files, "query": "And now?"},
        "s": {"photo": CAT, "more": [DOG, PAPER], "text": "words"},
    }
    return drive(parse_node(node), scopes, (ANSWER,))


def _messages(done: Drive) -> tuple[ChatMessage, ...]:
    (request,) = done.requests
    assert isinstance(request, CallModel)
    return request.call.messages


def test_images_of_vision_stand_before_the_users_last_text() -> None:
    done = _asked([CAT, PAPER, DOG], SYSTEM, USER)
    assert _messages(done) == (
        ChatMessage(role="system", content="Look."),
        ChatMessage(role="user", content=(_shown(CAT), _shown(DOG), TEXT)),
    )
    assert done.result is not None
    prompts = done.result.process_data["prompts"]
    assert isinstance(prompts, list)
    assert prompts[1] == {
        "role": "user",
        "text": "What is it?",
        "files": [{"type": "image", "url": file["url"], "detail": "high"} for file in (CAT, DOG)],
    }


def test_without_a_users_text_at_the_end_they_are_one_of_their_own() -> None:
    done = _asked(CAT, USER, {"role": "assistant", "text": "Hm."})
    assert [message.role for message in _messages(done)] == ["user", "assistant", "user"]
    assert _messages(done)[-1].content == (_shown(CAT),)


def test_they_stand_before_the_query_of_a_memory() -> None:
    done = _asked([CAT], USER, memory={"window": {"enabled": False}})
    assert _messages(done) == (
        ChatMessage(role="user", content="What is it?"),
        ChatMessage(role="user", content=(_shown(CAT), TextContent(text="And now?"))),
    )


@pytest.mark.parametrize(
    ("vision", "detail"),
    [
        ({"enabled": True}, "high"),
        ({"enabled": True, "configs": None}, "high"),
        ({"enabled": True, "configs": {"detail": "low"}}, "low"),
        ({"enabled": True, "configs": {"variable_selector": ["s", "photo"]}}, "high"),
    ],
)
def test_the_authors_choice_counts(vision: Value, detail: str) -> None:
    done = _asked([CAT], USER, vision=vision)
    assert _messages(done) == (ChatMessage(role="user", content=(_shown(CAT, detail), TEXT)),)


@pytest.mark.parametrize("vision", [None, {"enabled": False}, {"enabled": False, "configs": None}])
def test_without_vision_files_are_not_looked_at(vision: Value) -> None:
    assert _messages(_asked([STORED], USER, vision=vision)) == (
        ChatMessage(role="user", content="What is it?"),
    )


@pytest.mark.parametrize("files", [None, [], [PAPER]])
def test_there_need_not_be_any(files: Value) -> None:
    assert _messages(_asked(files, USER)) == (ChatMessage(role="user", content="What is it?"),)


def test_images_named_by_a_text_follow_it_as_a_message() -> None:
    text = "Compare {{#s.photo#}} with {{#s.more#}}, {{#s.text#}}."
    done = _asked([], {"role": "system", "text": text}, USER, vision={"enabled": False})
    assert _messages(done) == (
        ChatMessage(role="system", content="Compare  with , words."),
        ChatMessage(role="system", content=(_shown(CAT), _shown(DOG))),
        ChatMessage(role="user", content="What is it?"),
    )


def test_a_stored_image_goes_by_its_key() -> None:
    image = ImageContent(object_key="http/t/x", detail="high")
    done = _asked([STORED], USER)
    assert _messages(done) == (ChatMessage(role="user", content=(image, TEXT)),)
    assert done.result is not None
    assert "http/t/x" in str(done.result.process_data["prompts"])


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ("text", ("Invalid variable type: string", "InvalidVariableTypeError")),
        ([CAT, 3], ("Invalid variable type: array[any]", "InvalidVariableTypeError")),
        (
            [NOWHERE],
            (
                "made.png cannot be shown to a model: it has no web address.",
                "FileNotShowableError",
            ),
        ),
    ],
)
def test_what_cannot_be_shown_is_told(files: Value, error: tuple[str, str]) -> None:
    assert _asked(files, USER).error == error
