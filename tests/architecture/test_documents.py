"""What the documents tell to type exists."""

import re

import typer
from typer.core import TyperGroup

from cli.main import app
from tests.architecture.source_tree import ROOT, files, relative, text

TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
TYPED = re.compile(r"(?:^|[`$ ])make ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)", re.MULTILINE)
HEDDLE = re.compile(r"(?:^|[`$ /])heddle((?: [a-z][a-z-]*)+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def documents() -> list[str]:
    return [
        relative(path)
        for path in files()
        if path.suffix == ".md" and relative(path).startswith(("README", "docs/", "examples/"))
    ]


def code_spans(content: str) -> str:
    """Only what stands in code: prose may say "make sure"."""
    blocks = re.findall(r"```.*?```", content, re.DOTALL)
    return "\n".join(
        [*blocks, *re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", content, flags=re.DOTALL))]
    )


def test_make_targets_exist() -> None:
    targets = set(TARGET.findall(text(ROOT / "Makefile")))
    wrong: list[str] = []
    for name in documents():
        for line in code_spans(text(ROOT / name)).splitlines():
            command = line.partition("#")[0]
            for typed in TYPED.findall(command):
                wrong += [f"{name}: make {word}" for word in typed.split() if word not in targets]
    assert wrong == []


def test_commands_of_heddle_exist() -> None:
    wrong = [
        f"{name}: heddle{typed}"
        for name in documents()
        for line in code_spans(text(ROOT / name)).splitlines()
        for typed in HEDDLE.findall(line.partition("#")[0])
        if not is_command(typed.split())
    ]
    assert wrong == []


def is_command(words: list[str]) -> bool:
    """Whether `words` begin with a command; what follows it are its arguments."""
    command = typer.main.get_command(app)
    for word in words:
        if not isinstance(command, TyperGroup):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


def test_links_inside_the_repository_lead_somewhere() -> None:
    wrong = [
        f"{name}: {target}"
        for name in documents()
        for target in LINK.findall(text(ROOT / name))
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert wrong == []
