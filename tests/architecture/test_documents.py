"""What the documents tell to type exists."""

import re

from tests.architecture.source_tree import ROOT, files, relative, text

TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
TYPED = re.compile(r"(?:^|[`$ ])make ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)", re.MULTILINE)
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


def test_links_inside_the_repository_lead_somewhere() -> None:
    wrong = [
        f"{name}: {target}"
        for name in documents()
        for target in LINK.findall(text(ROOT / name))
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert wrong == []
