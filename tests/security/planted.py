"""An app whose secret environment variable goes through every part of the platform, and a look
at everything that is kept."""

import json
from itertools import pairwise
from pathlib import Path
from typing import cast

from pydantic import JsonValue
from redis import Redis

from tests.security.graphs import Node, node
from tests.security.rows import connected, first_tenant
from tests.security.stage import Stage
from tests.support.databases import run_outside

PLANTED = "plant-7d1f-never-told"
MADE_OF_IT = PLANTED[::-1]
"""What the app's code makes of it: no search for the secret's text finds that."""

IN_THE_OPEN = "plant-7d1f-in-the-open"
"""The value of the same app when it is no secret."""

_CODE = """
def main(key, answer):
    assert key in answer
    return {"turned": key[::-1], "large": key * 15000, "turned_large": key[::-1] * 15000}
"""
_MAKES_MUCH = """
def main(key):
    return {f"large{place}": (key if place % 2 else key[::-1]) * 15000 for place in range(4)}
"""
_FAILS = """
def main(key):
    raise ValueError("cannot use " + key)
"""
_KEY: JsonValue = {"variable": "key", "value_selector": ["env", "KEY"]}


def uses_its_secret(url: str, *, ends: str = "well", kind: str = "secret") -> bytes:
    """start, http-request, code, template; then the end, which shows how long the template's text
    is, or a node that `ends` badly. `kind` string: the variable is no secret."""
    asks = node(
        "http",
        "http-request",
        method="post",
        url=url + "/?k={{#env.KEY#}}",
        headers="X-Key: {{#env.KEY#}}",
        params="",
        body={"type": "raw-text", "data": [{"type": "text", "value": "{{#env.KEY#}}"}]},
        authorization={"type": "no-auth", "config": None},
    )
    answer: JsonValue = {"variable": "answer", "value_selector": ["http", "body"]}
    codes = node(
        "code",
        "code",
        code_language="python3",
        code=_CODE,
        variables=[_KEY, answer],
        outputs={
            "turned": {"type": "string"},
            "large": {"type": "string"},
            "turned_large": {"type": "string"},
        },
    )
    turned: JsonValue = {"variable": "turned", "value_selector": ["code", "turned"]}
    renders = node(
        "template",
        "template-transform",
        template="{{ key }} {{ turned }} {{ key | length }}",
        variables=[_KEY, turned],
    )
    fails = node(
        "fails",
        "code",
        code_language="python3",
        code=_FAILS,
        variables=[_KEY],
        outputs={"never": {"type": "string"}},
    )
    measures = node(
        "measures",
        "template-transform",
        template="{{ text | length }}",
        variables=[{"variable": "text", "value_selector": ["template", "output"]}],
    )
    shown: JsonValue = [{"variable": "o", "value_selector": ["measures", "output"]}]
    nodes = [node("start", "start", variables=[]), asks, codes, renders]
    nodes += [fails] if ends == "badly" else [measures, node("end", "end", outputs=shown)]
    value = PLANTED if kind == "secret" else IN_THE_OPEN
    return with_secret(nodes, name=f"Ends {ends}", value=value, kind=kind)


def waits_with_its_secret(url: str) -> bytes:
    """start, code that makes more of the secret than a run goes without a snapshot, and a request
    that tells when that is journalled."""
    makes = node(
        "makes",
        "code",
        code_language="python3",
        code=_MAKES_MUCH,
        variables=[_KEY],
        outputs={f"large{place}": {"type": "string"} for place in range(4)},
    )
    asks = node(
        "http",
        "http-request",
        method="get",
        url=url,
        headers="",
        params="",
        body={"type": "none", "data": []},
        authorization={"type": "no-auth", "config": None},
    )
    shown: JsonValue = [{"variable": "o", "value_selector": ["http", "status_code"]}]
    nodes = [node("start", "start", variables=[]), makes, asks, node("end", "end", outputs=shown)]
    return with_secret(nodes, name="Waits", value=PLANTED)


def with_secret(nodes: list[Node], *, name: str, value: str, kind: str = "secret") -> bytes:
    """A workflow app of `nodes` in their order, whose `env.KEY` is a secret or a `kind`."""
    ids = [str(each["id"]) for each in nodes]
    edges = [
        {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": "source"}
        for a, b in pairwise(ids)
    ]
    secret = {"id": "1", "name": "KEY", "value_type": kind, "value": value}
    workflow = {"graph": {"nodes": nodes, "edges": edges}, "environment_variables": [secret]}
    app = {"mode": "workflow", "name": name}
    return json.dumps(
        {"version": "0.6.0", "kind": "app", "app": app, "workflow": workflow}
    ).encode()


def kept_of_first_tenant(stage: Stage) -> dict[str, bytes]:
    """Everything in its tables, in Redis, and in the files of the object store and of NATS."""
    found = run_outside(_rows(stage))
    redis = Redis.from_url(stage.platform.environment["HEDDLE_REDIS_URL"])  # pyright: ignore[reportUnknownMemberType]
    # redis-py leaves its answers untyped.
    keys = cast("list[bytes]", redis.keys())  # pyright: ignore[reportUnknownMemberType]
    for key in keys:
        found[f"redis {key!r}"] = redis.dump(key) or b""
    for folder in ("objects", "nats"):
        for path in (stage.platform.folder / folder).rglob("*"):
            if path.is_file():
                found[str(path)] = _read(path)
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


async def _rows(stage: Stage) -> dict[str, bytes]:
    connection = await connected(
        stage.platform.environment["HEDDLE_DATABASE_URL"], await first_tenant(stage.platform)
    )
    tables = await connection.fetch(
        "select distinct table_schema || '.' || table_name as name "
        "from information_schema.columns where column_name = 'tenant_id' "
        "and table_schema in ('backend', 'engine', 'inference', 'plugin') "
        "and table_name not like 'journal_2%'"
    )
    found: dict[str, bytes] = {}
    for table in tables:
        for number, row in enumerate(await connection.fetch(f"select * from {table['name']}")):
            found[f"{table['name']} {number}"] = b"\n".join(
                value if isinstance(value, bytes) else repr(value).encode() for value in row
            )
    await connection.close()
    return found
