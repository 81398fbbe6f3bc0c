"""The repository speaks of Heddle alone: no secrets, no machines."""

import re

from tests.architecture.source_tree import ROOT, files, relative, text

TEXT = {
    ".css", ".html", ".js", ".json", ".md", ".mk", ".py", ".sh", ".sql", ".toml", ".ts", ".tsx",
    ".txt", ".yaml", ".yml", "",
}  # fmt: skip

# Written in pieces, so that this file does not find itself.
MACHINES = re.compile("|".join([
    "/" + "work/", r"\.\./" + "shared", "/" + "tmp/plan", "/" + r"root/\.", "/" + "home/[a-z]+/",
    "pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian",
]))  # fmt: skip
SECRETS = re.compile("|".join([
    "sk-[A-Za-z0-9]{24,}", "AKIA" + "[0-9A-Z]{16}", "gh" + "[pousr]_[A-Za-z0-9]{30,}",
    "xox" + "[abp]-[0-9A-Za-z-]{20,}", "-----BEGIN [A-Z ]*" + "PRIVATE KEY-----",
]))  # fmt: skip


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{relative(path)}:{number}"
        for path in files()
        if path.suffix in TEXT
        for number, line in enumerate(_lines(path.stat().st_size, relative(path)), 1)
        if pattern.search(line)
    ]


def test_no_machine_is_named() -> None:
    assert found(MACHINES) == []


def test_no_secret_is_kept() -> None:
    assert found(SECRETS) == []


def _lines(size: int, place: str) -> list[str]:
    try:
        return text(ROOT / place).splitlines() if size < 2_000_000 else []
    except UnicodeDecodeError:
        return []
