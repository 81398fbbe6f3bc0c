from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.chat import ChatPart, ChatResult, Completed, ReasoningPart, TextPart
from services.engine.domain.node_parts.reasoning import (
    separated_text,
    separated_thoughts,
    split_reasoning,
    tagged_text,
)

PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<THINK a='b'>",
            "<thinking>",
            "<",
            "<th",
            "</",
            "a",
            " ",
            "\n\n",
            ">",
        ]
    ),
    max_size=12,
).map("".join)


def _shown(text: str, size: int) -> str:
    show = separated_text()
    parts: list[ChatPart] = [
        TextPart(text=text[at : at + size]) for at in range(0, len(text), size)
    ]
    result = ChatResult(generation="g", model="m", text=text)
    return "".join(show(part) for part in [*parts, Completed(result=result)])


def _thought(text: str, size: int) -> str:
    think = separated_thoughts()
    parts: list[ChatPart] = [
        TextPart(text=text[at : at + size]) for at in range(0, len(text), size)
    ]
    result = ChatResult(generation="g", model="m", text=text)
    return "".join(think(part) for part in [*parts, Completed(result=result)])


@given(PIECES, st.integers(1, 9))
def test_where_chunks_are_cut_does_not_matter_to_thoughts(text: str, size: int) -> None:
    assert _thought(text, size) == _thought(text, 1000)


@given(PIECES)
def test_the_streamed_thoughts_are_those_of_the_answer(text: str) -> None:
    assert "".join(_thought(text, 1).split()) == "".join(split_reasoning(text)[1].split())


def test_the_providers_own_thoughts_are_thoughts() -> None:
    think = separated_thoughts()
    assert think(ReasoningPart(text="a")) == "a"
    assert think(TextPart(text="b<think>c")) == "c"
    assert think(TextPart(text="</think><think>d")) == "\nd"


@given(PIECES, st.integers(1, 9))
def test_where_chunks_are_cut_does_not_matter(text: str, size: int) -> None:
    assert _shown(text, size) == _shown(text, 1000)


@given(PIECES)
def test_the_stream_and_the_answer_say_the_same_but_for_blank_space(text: str) -> None:
    assert "".join(_shown(text, 1).split()) == "".join(split_reasoning(text)[0].split())


def test_thoughts_are_taken_out_even_if_unclosed() -> None:
    assert split_reasoning("a<think>b</think>c<think>d</think>e") == ("ace", "b\nd")
    assert split_reasoning("<think>abc") == ("", "abc")
    assert split_reasoning("</think>b") == ("</think>b", "")
    assert split_reasoning("<think>\n</think>\n\nx\n\n\ny\n") == ("x\n\ny", "")


def test_tagged_text_is_shown_as_it_is() -> None:
    show = tagged_text()
    assert show(TextPart(text="<think>a")) == "<think>a"
    assert show(ReasoningPart(text="b")) == ""
