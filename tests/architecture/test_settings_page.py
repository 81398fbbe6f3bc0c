"""One page tells every variable that something reads."""

import re

from libs.common.service_settings import ServiceSettings
from tests.architecture.settings_page import KINDS, PAGE, meanings, rendered, variable
from tests.architecture.source_tree import modules, text

_VARIABLE = re.compile(r"\"(HEDDLE_[A-Z][A-Z_]*[A-Z])\"")
_STREAMS = {"HEDDLE_DEAD"}


def test_every_setting_says_what_it_means() -> None:
    silent = [
        f"{kind.__name__}.{name}"
        for kind in KINDS.values()
        for name, told in meanings(kind).items()
        if not told
    ]
    assert silent == []


def test_the_page_says_what_the_settings_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == rendered(page), "run `python -m tests.architecture.settings_page`"


def test_no_variable_is_missing_from_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    read = {name for path in modules() for name in _VARIABLE.findall(text(path))}
    assert sorted(name for name in read - _STREAMS if f"`{name}`" not in page) == []


def test_a_service_names_its_own_settings_after_itself() -> None:
    wrong = [
        variable(name, field)
        for service, kind in KINDS.items()
        if kind is not ServiceSettings
        for name, field in kind.model_fields.items()
        if name not in ServiceSettings.model_fields
        and variable(name, field) != f"HEDDLE_{service}_{name}".upper()
    ]
    assert wrong == []
