"""A change of the sheets is live without a restart, and a broken one harms nobody."""

import shutil
from pathlib import Path

import pytest

from services.inference.infra.sheets.watched_sheets import WatchedSheets
from services.inference.settings import PROVIDERS
from tests.support.manual_clock import ManualClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(PROVIDERS / "demo", tmp_path / "demo")
    return tmp_path


def _vendors(sheets: WatchedSheets) -> set[str]:
    return {vendor.provider.id for vendor in sheets.catalogue.vendors}


def _add_vendor(folder: Path, name: str) -> None:
    shutil.copytree(folder / "demo", folder / name)
    sheet = folder / name / "provider.yaml"
    sheet.write_text(sheet.read_text().replace("id: demo", f"id: {name}", 1))


async def test_a_new_vendor_is_there_at_the_next_look(folder: Path) -> None:
    sheets = WatchedSheets(folder, ManualClock())
    _add_vendor(folder, "other")
    await sheets.look()
    assert _vendors(sheets) == {"demo", "other"}


async def test_a_broken_sheet_keeps_the_last_good_catalogue(folder: Path) -> None:
    sheets = WatchedSheets(folder, ManualClock())
    before = sheets.catalogue
    (folder / "demo" / "models.yaml").write_text("models: 7\n")
    await sheets.look()
    assert sheets.catalogue is before


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
async def test_a_file_that_cannot_be_read_ends_nothing(folder: Path, content: bytes | None) -> None:
    sheets = WatchedSheets(folder, ManualClock())
    _add_vendor(folder, "other")
    unreadable = folder / "other" / "models.yaml"
    whole = unreadable.read_bytes()
    unreadable.unlink()
    if content is None:
        unreadable.symlink_to(folder / "nowhere")
    else:
        unreadable.write_bytes(content)
    await sheets.look()
    assert _vendors(sheets) == {"demo"}
    unreadable.unlink()
    unreadable.write_bytes(whole)
    await sheets.look()
    assert _vendors(sheets) == {"demo", "other"}
