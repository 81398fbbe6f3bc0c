"""Requests drawn from an OpenAPI document, and what was wrong with their answers."""

import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, get_args

import hypothesis
import requests
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from tests.fuzz.doors import door_of, is_open, leaked, misshapen
from tests.fuzz.drawn import AS_DOCUMENTED, Answer, DrawnRequest, Operation, operations
from tests.fuzz.profile import ANSWER_SECONDS, EXAMPLES, SEED
from tests.fuzz.world import World

Kind = Literal["fits", "fits nothing", "known ids", "wrong with known ids", "no key", "wrong key"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NO_KEY: dict[Kind, str] = {"no key": "", "wrong key": "Bearer app-" + "0" * 32}
_SLOW_TO_DRAW = (
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
)


@dataclass(slots=True, kw_only=True)
class Findings:
    """`wrong` tells one request for each way in which an operation failed."""

    statuses: Counter[str] = field(default_factory=Counter[str])
    asked: Counter[str] = field(default_factory=Counter[str])
    wrong: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, operation: str, what: str, case: DrawnRequest) -> None:
        self.wrong.setdefault(f"{operation}: {what}", case.as_curl_command())


class Fuzzing:
    """Goes round the operations of a service until its time is over."""

    def __init__(self, world: World, service: str, findings: Findings) -> None:
        self._world = world
        self._service = service
        self._findings = findings
        self._secrets = world.secrets()
        self._session = requests.Session()
        document = self._session.get(f"{world.url(service)}/openapi.json", timeout=10).json()
        self.operations = operations(document)

    def go_on(self, seconds: float) -> None:
        """Whole rounds, at least one, until `seconds` are over."""
        until = time.monotonic() + seconds
        number = 0
        while number == 0 or time.monotonic() < until:
            for operation in self.operations:
                for kind in KINDS:
                    if number == 0 or time.monotonic() < until:
                        self._several(operation, kind, number)
            number += 1

    def _several(self, operation: Operation, kind: Kind, number: int) -> None:
        strategy = self._strategy(operation, kind)
        if strategy is None:
            return
        key = f"{SEED}/{self._service}/{operation.label}/{kind}/{number}"

        @hypothesis.seed(zlib.crc32(key.encode()))
        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=_SLOW_TO_DRAW,
        )
        @hypothesis.given(strategy, st.integers(0, 2**16))
        def ask(case: DrawnRequest, which: int) -> None:
            self._ask(operation, case, kind, which)

        try:
            ask()
        except Unsatisfiable:
            # An operation without parameters cannot be asked wrongly.
            return

    def _strategy(self, operation: Operation, kind: Kind) -> st.SearchStrategy[DrawnRequest] | None:
        wrong = kind in {"fits nothing", "wrong with known ids"}
        mode = GenerationMode.NEGATIVE if wrong else GenerationMode.POSITIVE
        if kind in _NO_KEY and is_open(operation.path):
            return None
        if not kind.endswith("known ids"):
            return operation.as_strategy(mode)
        known = self._world.known(operation.path)
        return operation.as_strategy(mode, path_parameters=known) if known else None

    def _ask(self, operation: Operation, case: DrawnRequest, kind: Kind, which: int) -> None:
        keys = self._world.keys(self._service, operation.path)
        shown = _NO_KEY.get(kind, f"Bearer {keys[which % len(keys)]}")
        try:
            answer = case.call(
                base_url=self._world.url(self._service),
                session=self._session,
                headers={"Authorization": shown},
                timeout=ANSWER_SECONDS,
            )
        except requests.RequestException as error:
            self._findings.add(operation.label, f"no answer, {type(error).__name__}", case)
            return
        label = f"{self._service} {operation.label}"
        self._findings.asked[label] += 1
        self._findings.statuses[f"{self._service} {answer.status_code}"] += 1
        for what in self._judged(operation, case, answer, kind):
            self._findings.add(label, f"{answer.status_code}, {what}", case)

    def _judged(
        self, operation: Operation, case: DrawnRequest, answer: Answer, kind: Kind
    ) -> list[str]:
        status, text = answer.status_code, answer.content.decode(errors="replace")
        wrong: list[str] = []
        if status >= 500:
            wrong.append("the service failed")
        if kind in _NO_KEY and status < 400:
            wrong.append(f"opened with {kind}")
        if (name := leaked(text, self._secrets)) is not None:
            wrong.append(f"tells {name}")
        if status >= 400:
            wrong += self._misshapen(operation, answer)
        try:
            case.validate_response(answer, [AS_DOCUMENTED])
        except FailureGroup as failures:
            wrong += [f"not as documented: {failure.title}" for failure in failures.exceptions]
        return wrong

    def _misshapen(self, operation: Operation, answer: Answer) -> list[str]:
        door = door_of(self._service, operation.path)
        try:
            body = answer.json()
        except ValueError:
            body = None
        content_type = (answer.headers.get("content-type") or [""])[0]
        found = misshapen(door, answer.status_code, content_type, body)
        return [] if found is None else [found]
