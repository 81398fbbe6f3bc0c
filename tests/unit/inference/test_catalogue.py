from pathlib import Path

import pytest

from libs.common.contracts.chat import ChatCall, ChatMessage, ToolDefinition
from services.inference.domain.catalogue.catalogue import Catalogue
from services.inference.domain.chat.check_call import check_call
from services.inference.domain.chat.prices import priced
from services.inference.domain.errors import CapabilityMissing, ModelUnknown, ParameterRefused
from services.inference.infra.sheets.yaml_sheets import SheetsInvalid, load_catalogue

_PROVIDERS = Path(__file__).parents[3] / "services" / "inference" / "providers"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(_PROVIDERS)


def _call(model: str, **parameters: float) -> ChatCall:
    return ChatCall(
        model=model,
        messages=(ChatMessage(role="user", content="hi"),),
        parameters={**parameters},
    )


def test_an_unknown_model_names_its_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(ModelUnknown, match="demo/demo-chat"):
        catalogue.resolve("demo/demo-chta")


def test_a_wildcard_takes_any_model_of_its_vendor(catalogue: Catalogue) -> None:
    assert catalogue.resolve("openai/some-future-model").upstream_name == "some-future-model"


def test_a_parameter_outside_its_limits_is_refused_with_them(catalogue: Catalogue) -> None:
    model = catalogue.resolve("openai/gpt-4o")
    with pytest.raises(ParameterRefused, match=r"between 0\.0 and 2\.0") as refused:
        check_call(_call("openai/gpt-4o", temperature=3), model)
    assert refused.value.details[0].pointer == "/temperature"


def test_a_missing_capability_is_named(catalogue: Catalogue) -> None:
    model = catalogue.resolve("openai/gpt-4o")
    sheet = model.sheet.model_copy(update={"capabilities": ("streaming",)})
    bare = type(model)(provider=model.provider, sheet=sheet, upstream_name="gpt-4o")
    call = _call("openai/gpt-4o").model_copy(update={"tools": (ToolDefinition(name="t"),)})
    with pytest.raises(CapabilityMissing, match="tools"):
        check_call(call, bare)


def test_prices_are_exact_decimals(catalogue: Catalogue) -> None:
    prices = catalogue.resolve("openai/gpt-4o-mini").sheet.prices
    usage = priced(1000, 200, prices, latency=0.5)
    assert usage.prompt_price == "0.00015"
    assert usage.completion_price == "0.00012"
    assert usage.total_price == "0.00027"
    assert usage.currency == "USD"


def test_every_mistake_in_a_folder_of_sheets_is_named_with_its_line(tmp_path: Path) -> None:
    vendor = tmp_path / "acme"
    vendor.mkdir()
    (vendor / "provider.yaml").write_text("id: other\nname: Acme\nwire: carrier_pigeon\n")
    (vendor / "models.yaml").write_text(
        "models:\n  - id: a\n    context_tokens: -1\n  - id: b\n    colour: red\n"
    )
    with pytest.raises(SheetsInvalid) as invalid:
        load_catalogue(tmp_path)
    text = str(invalid.value)
    assert "models.yaml:3: models.0.context_tokens" in text
    assert "models.yaml:5: models.1.colour" in text
