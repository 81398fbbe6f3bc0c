"""Subjects of the bus suite; each test has its own names, because tests share one server."""

from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from libs.common.contracts.subjects import Broadcast, DurableSubject, StreamSubject, Subject
from libs.common.errors import CallerError


class Ask(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str = ""
    count: int = 0


class Told(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str = ""


class PotTooSmall(CallerError):
    """An error of the suite's own service."""

    code = "pot_too_small"
    status = 418


def fresh(word: str) -> str:
    return f"{word}{uuid4().hex}"


def question() -> Subject[Ask, Told]:
    return Subject(f"suite.{fresh('ask')}", Ask, Told)


def counting() -> StreamSubject[Ask, Told]:
    return StreamSubject(f"suite.{fresh('count')}", Ask, Told)


def news() -> Broadcast[Told]:
    return Broadcast(f"suite.{fresh('news')}.all", Told)


def work() -> DurableSubject[Told]:
    return DurableSubject(f"suite.{fresh('work')}", fresh("WORK"), Told, True)


def facts() -> DurableSubject[Told]:
    return DurableSubject(f"suite.{fresh('facts')}", fresh("FACTS"), Told, False)
