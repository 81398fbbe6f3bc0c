"""Runs a node's generator by hand: scripted answers in, its requests and its end out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.engine.domain.node_parts.effects import EffectError, EffectRequest, EffectResult
from services.engine.domain.node_parts.frames import RunFrames
from services.engine.domain.node_parts.node_contract import (
    Node,
    NodeContext,
    NodeFailure,
    NodeResult,
)
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.values import Value

Requests = EffectRequest | tuple[EffectRequest, ...] | RunFrames
Answer = EffectResult | tuple[EffectResult, ...] | EffectError


@dataclass(kw_only=True)
class Drive:
    """What a run of a node did: exactly one of `result` and `failure` is set."""

    requests: list[Requests] = field(default_factory=list[Requests])
    result: NodeResult | None = None
    failure: NodeFailure | None = None

    @property
    def outputs(self) -> dict[str, Value]:
        assert self.result is not None, self.failure
        return self.result.outputs

    @property
    def error(self) -> tuple[str, str]:
        """The failure's text and type."""
        assert self.failure is not None, self.result
        return self.failure.message, self.failure.error_type


def pool_of(scopes: Mapping[str, Mapping[str, Value]]) -> VariablePool:
    pool = VariablePool()
    for scope, values in scopes.items():
        pool.put_all(scope, values)
    return pool


def parse_node(data: dict[str, Value], node_id: str = "n") -> Node:
    return CATALOGUE[str(data["type"])].parse(node_id, data)


def drive(
    node: Node,
    scopes: Mapping[str, Mapping[str, Value]] | None = None,
    answers: tuple[Answer, ...] = (),
    *,
    inputs: Mapping[str, Value] | None = None,
    history: tuple[tuple[str, str], ...] = (),
) -> Drive:
    """Run `node` to its end, answering its requests in order."""
    context = NodeContext(
        node_id="n", variables=pool_of(scopes or {}), inputs=inputs or {}, history=history
    )
    done = Drive()
    run = node.run(context)
    script = iter(answers)
    try:
        done.requests.append(next(run))
        while True:
            answer = next(script)
            asked = run.throw(answer) if isinstance(answer, EffectError) else run.send(answer)
            done.requests.append(asked)
    except StopIteration as stop:
        result = stop.value
        assert isinstance(result, NodeResult), "the script ended before the node did"
        done.result = result
    except NodeFailure as failure:
        done.failure = failure
    return done
