"""Files through the whole platform: the official client, and docs/guides/files.md as it stands."""

import base64
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import yaml
from dify_client import ChatClient

from deploy.local.layout import CHECKOUT
from tests.e2e.command import Terminal
from tests.e2e.documents import answer, app, end, llm, start, variable
from tests.e2e.readme_blocks import Block, blocks_of
from tests.e2e.world import ImportedApp, World
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200)) * 2000
"""Above what travels inline on any subject."""
BLOCKS = blocks_of(CHECKOUT / "docs" / "guides" / "files.md")
TOLD = (
    ("plan.md, 17 bytes, 0 photos: Weave on Monday.",),
    ("plan.md, 16 bytes, 0 photos: Weave on Monday.", "\nWeave on Monday.\n"),
)
"""What each block shows in the end."""


def seeing_chat() -> dict[str, Any]:
    """start (paper) -> llm that is shown the message's images -> answer with the paper's link."""
    model = llm("model", "{{#sys.query#}}")
    model["data"]["vision"] = {
        "enabled": True,
        "configs": {"variable_selector": ["sys", "files"], "detail": "high"},
    }
    paper = variable("paper", "file", required=False, allowed_file_types=["document"])
    said = answer("{{#model.text#}} {{#start.paper#}}")
    nodes, edges = [start(paper), model, said], [("start", "model"), ("model", "answer")]
    document = app("seeing chat", nodes, edges, mode="advanced-chat")
    document["workflow"]["features"]["file_upload"] = {
        "enabled": True,
        "allowed_file_types": ["image"],
        "allowed_file_upload_methods": ["local_file"],
        "number_limits": 3,
    }
    return document


def test_the_official_client_sends_a_file_and_talks_about_it(world: World) -> None:
    world.provider(lambda _: Answer(text="A picture."))
    client = cast("Any", ChatClient)(api_key=world.import_app(seeing_chat()).key)
    client.base_url = f"{world.url}/v1"
    image = client.file_upload("ada", {"file": ("dot.png", PNG, "image/png")})
    assert image.status_code == 201, image.text
    paper = client.file_upload("ada", {"file": ("plan.txt", b"hello", "text/plain")}).json()
    named = {"transfer_method": "local_file", "upload_file_id": image.json()["id"]}
    talked = client.create_chat_message(
        {"paper": {"transfer_method": "local_file", "upload_file_id": paper["id"]}},
        "What is this?",
        "ada",
        files=[{"type": "image", **named}],
    )
    assert talked.status_code == 200, talked.text
    (message,) = cast("list[dict[str, Any]]", world.upstream.asked[-1].body["messages"])
    (shown,) = [part for part in message["content"] if part["type"] == "image_url"]
    url = shown["image_url"]["url"]
    assert url == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    text, _, link = talked.json()["answer"].partition(" [plan.txt](")
    assert text == "A picture."
    assert requests.get(link.rstrip(")"), timeout=30).content == b"hello"
    page = client.get_conversation_messages("ada", talked.json()["conversation_id"]).json()
    (file,) = page["data"][0]["message_files"]
    assert (file["filename"], file["upload_file_id"]) == ("dot.png", image.json()["id"])
    assert requests.get(file["url"], timeout=30).content == PNG


@pytest.mark.parametrize(
    ("block", "told"), [*zip(BLOCKS, TOLD, strict=True)], ids=[block.name for block in BLOCKS]
)
def test_a_block_of_the_guide_runs_as_it_stands(
    block: Block, told: tuple[str, ...], world: World, tmp_path: Path
) -> None:
    terminal = Terminal.on(world, tmp_path)
    run = terminal.python if block.language == "python" else terminal.shell
    done = run(block.text)
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    for part in told:
        assert part in done.stdout, done.stdout


def drawing(mode: str, *shown: dict[str, Any]) -> dict[str, Any]:
    """start -> a command that writes a file -> what `shown` makes of it."""
    draws: dict[str, Any] = {
        "id": "draw",
        "data": {"type": "command", "title": "draw", "command": "printf hello > 'a b.txt'"},
    }
    nodes = [start(), draws, *shown]
    return app(f"drawing {mode}", nodes, [("start", "draw"), ("draw", shown[0]["id"])], mode)


def test_a_file_that_a_node_stores_has_an_address(world: World) -> None:
    key = world.import_app(drawing("workflow", end(files=["draw", "files"]))).headers
    body: dict[str, Any] = {"inputs": {}, "user": "ada"}
    run = world.http.post("/v1/workflows/run", json=body, headers=key).json()["data"]
    (file,) = run["outputs"]["files"]
    assert (file["filename"], file["transfer_method"], file["size"]) == ("a b.txt", "tool_file", 5)
    again = world.http.get(f"/v1/workflows/run/{run['id']}", headers=key).json()
    assert again["outputs"]["files"] == [file]
    other = world.platform.add("backend")
    for base in (world.url, other.url):
        found = requests.get(file["url"].replace(world.url, base), timeout=30)
        assert (found.status_code, found.content) == (200, b"hello")
        assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert file["url"].rpartition("/")[2] not in world.platform.log("backend")

    talk: dict[str, Any] = {"inputs": {}, "query": "q", "user": "ada"}
    chat = world.import_app(drawing("advanced-chat", answer("See {{#draw.files#}}"))).headers
    told = world.http.post("/v1/chat-messages", json=talk, headers=chat).json()["answer"]
    link = told.partition("[a b.txt](")[2].rstrip(")\n")
    assert requests.get(link, timeout=30).content == b"hello"


def test_of_a_run_with_secrets_the_outputs_alone_tell_the_address(world: World) -> None:
    document = drawing("workflow", end(files=["draw", "files"]))
    document["workflow"]["environment_variables"] = [
        {"id": "k", "name": "KEY", "value_type": "secret", "value": "never told"}
    ]
    app_ = world.import_app(document)
    body: dict[str, Any] = {"inputs": {}, "user": "ada"}
    run = world.http.post("/v1/workflows/run", json=body, headers=app_.headers).json()["data"]
    (file,) = run["outputs"]["files"]
    assert requests.get(file["url"], timeout=30).content == b"hello"
    trace = world.http.get(f"/api/runs/{run['id']}/trace", headers=world.admin).json()
    (draws,) = [node for node in trace["nodes"] if node["node_id"] == "draw"]
    (shown,) = draws["outputs"]["files"]
    assert (shown["filename"], shown["url"]) == ("a b.txt", f"{world.url}******")


def test_a_replay_reads_the_same_upload(world: World) -> None:
    document = (CHECKOUT / "examples" / "small" / "reading.yml").read_bytes()
    imported = world.import_source(document).json()
    headers = {"Authorization": f"Bearer {imported['api_key']}"}
    sent = world.http.post(
        "/v1/files/upload",
        files={"file": ("plan.txt", b"hello", "text/plain")},
        data={"user": "ada"},
        headers=headers,
    ).json()
    paper = {"transfer_method": "local_file", "upload_file_id": sent["id"]}
    body = {"inputs": {"paper": paper}, "user": "ada"}
    run = world.http.post("/v1/workflows/run", json=body, headers=headers).json()
    path = f"/api/runs/{run['workflow_run_id']}/fork"
    asked: dict[str, Any] = {"from_node": "read", "inputs": {"photos": []}}
    preview = world.http.post(f"{path}/preview", json=asked, headers=world.admin).json()
    assert not any(node.get("holds_files") for node in preview["takes"]), preview
    begun = world.http.post(
        path, json={**asked, "digest": preview["digest"]}, headers=world.admin
    ).json()
    world.http.get(begun["events"], headers=world.admin).raise_for_status()
    ended = world.http.get(begun["run"], headers=world.admin).json()
    assert ended["outputs"]["told"] == "plan.txt, 5 bytes, 0 photos: hello"


def asking() -> dict[str, Any]:
    """start -> a form with a file -> its text -> end."""
    ask: dict[str, Any] = {
        "type": "human-input",
        "title": "Ask",
        "form_content": "Your paper?",
        "inputs": [
            {"type": "file", "output_variable_name": "paper"},
            {"type": "file-list", "output_variable_name": "more"},
        ],
        "user_actions": [{"id": "go", "title": "Go"}],
        "timeout": 1,
        "timeout_unit": "day",
    }
    read = {"type": "document-extractor", "title": "R", "variable_selector": ["ask", "paper"]}
    nodes = [
        start(),
        {"id": "ask", "data": ask},
        {"id": "read", "data": read},
        end(text=["read", "text"], paper=["ask", "paper"], more=["ask", "more"]),
    ]
    return app("asking", nodes, [("start", "ask"), ("ask", "go", "read"), ("read", "end")])


def test_a_form_takes_a_file_of_who_answers(world: World) -> None:
    imported = world.import_app(asking())
    (reason,) = world.run(imported, {}).json()["data"]["reasons"]
    path = f"/v1/form/human_input/{reason['form_token']}"
    file_id = world.uploaded(imported, b"hello", "plan.txt")
    paper = {"transfer_method": "local_file", "upload_file_id": file_id}
    body: dict[str, Any] = {
        "action": "go",
        "inputs": {"paper": paper, "more": []},
        "user": "mallory",
    }
    refused = world.http.post(path, json=body, headers=imported.headers)
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "inputs.paper: Invalid upload file.",
    )
    taken = world.http.post(path, json={**body, "user": "e2e"}, headers=imported.headers)
    assert taken.status_code == 200, taken.text
    ended = ended_run(world, imported)
    assert ended["outputs"]["text"] == "hello"
    assert ended["outputs"]["paper"]["filename"] == "plan.txt"


def ended_run(world: World, imported: ImportedApp) -> dict[str, Any]:
    """The app's newest run, once it has ended."""
    params = {"app_id": imported.app_id}
    listed = world.http.get("/api/runs", params=params, headers=world.admin).json()
    run = f"/api/runs/{listed['runs'][0]['run_id']}"
    world.http.get(f"{run}/events", headers=world.admin).raise_for_status()
    return world.http.get(run, headers=world.admin).json()


def test_the_page_of_a_form_takes_files(world: World) -> None:
    imported = world.import_app(asking())
    (reason,) = world.run(imported, {}).json()["data"]["reasons"]
    form = f"/api/forms/{reason['form_id']}"
    link = world.http.get(form, headers=world.admin).json()["link"]
    page = world.http.get(link).text
    given = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    given |= {"action": "go"}
    sent = [
        ("field-paper", ("plan.txt", b"hello", "text/plain")),
        ("field-more", ("a.png", PNG, "image/png")),
        ("field-more", ("b.csv", b"a,b", "text/csv")),
        ("field-nobody", ("c.csv", b"a,b", "text/csv")),
    ]
    before = stored(world)
    twice = [*sent, ("field-paper", ("again.txt", b"x", "text/plain"))]
    large = [("field-paper", ("large.txt", bytes(16 * 1024 * 1024), "text/plain"))]
    for wrong, files, status in (
        ({**given, "action": "sell"}, sent, 400),
        ({**given, "digest": "0" * 64}, sent, 409),
        (given, twice, 400),
        (given, sent[1:], 400),
        (given, large, 413),
    ):
        refused = world.http.post(link, data=wrong, files=files)
        assert (refused.status_code, "<form" in refused.text) == (status, True), refused.text
    nothing = [("field-paper", ("", b"", "application/octet-stream"))]
    assert world.http.post(link, data=given, files=nothing).status_code == 400
    assert stored(world) - before == set(), "a refusal leaves nothing"
    for _ in range(2):
        taken = world.http.post(link, data=given, files=sent)
        assert (taken.status_code, "Thank you" in taken.text) == (200, True)
    late = world.http.post(link, data={**given, "once": "other"}, files=sent)
    assert late.status_code == 410
    outputs = ended_run(world, imported)["outputs"]
    assert (outputs["text"], outputs["paper"]["filename"]) == ("hello", "plan.txt")
    assert [file["filename"] for file in outputs["more"]] == ["a.png", "b.csv"]
    assert requests.get(outputs["more"][0]["url"], timeout=30).content == PNG


def stored(world: World) -> set[str]:
    """The uploads in the object store."""
    folder = world.platform.folder / "objects" / "uploads"
    return {str(path) for path in folder.rglob("*") if path.is_file()}


def bomb() -> bytes:
    """A docx of a few KB that unpacks to 256 MiB."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        part.write(b'<w:document xmlns:w="http://w"><w:body><w:p><w:r><w:t>')
        for _ in range(256):
            part.write(b"a" * 1024 * 1024)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "broken.pdf",
            lambda: b"%PDF-1.7\n1 0 obj\n<< /Length 9 >>\nstream",
            "cannot be read as pdf",
        ),
        ("bomb.docx", bomb, "reading the file as docx"),
        ("large.txt", lambda: b"a b c d " * (14 * 1024 * 1024 // 8), "the limit of result"),
    ],
    ids=["broken", "bomb", "large"],
)
def test_a_hostile_document_fails_its_node_and_nothing_else(
    world: World, name: str, content: Callable[[], bytes], says: str
) -> None:
    document = (CHECKOUT / "examples" / "small" / "reading.yml").read_bytes()
    imported = world.import_app(yaml.safe_load(document))
    for given, status in ((content(), "failed"), (b"hello", "succeeded")):
        called = name if status == "failed" else "plan.txt"
        file_id = world.uploaded(imported, given, called)
        paper = {"transfer_method": "local_file", "upload_file_id": file_id}
        outcome = world.outcome(imported, {"paper": paper})
        assert outcome["status"] == status, outcome
        assert says in str(outcome["error"]) or status == "succeeded"


def test_a_lone_node_is_given_an_upload(world: World) -> None:
    imported = world.import_app(asking())
    file_id = world.uploaded(imported, b"hello", "plan.txt")
    path = f"/api/apps/{imported.app_id}/nodes/read/test"

    def tried(value: Any, user: str = "e2e") -> Any:
        body = {"variables": {"ask": {"paper": value}}, "user": user}
        return world.http.post(path, params={"wait": 30}, json=body, headers=world.admin)

    paper = {"transfer_method": "local_file", "upload_file_id": file_id}
    for value, text in ((paper, "hello"), ([paper, paper], ["hello", "hello"])):
        answer = tried(value)
        assert answer.status_code == 200, answer.text
        assert answer.json()["nodes"][0]["outputs"]["text"] == text
    refused = tried(paper, user="mallory")
    assert (refused.status_code, refused.json()["code"]) == (400, "input_refused")
    assert "variables.ask.paper: Invalid upload file." in refused.json()["detail"]
