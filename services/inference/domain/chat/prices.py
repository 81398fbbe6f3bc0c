"""Cost in decimal from the sheet's price."""

from decimal import Decimal

from libs.common.contracts.chat import Usage
from services.inference.domain.catalogue.sheets import Prices

_PLACES = Decimal("0.0000001")


def priced(
    prompt_tokens: int, completion_tokens: int, prices: Prices | None, latency: float
) -> Usage:
    """Usage with prices as decimal strings. Without a price in the sheet every price is "0"."""
    total = prompt_tokens + completion_tokens
    if prices is None:
        return Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_tokens=total,
            latency=latency,
        )
    prompt = _cost(prompt_tokens, prices.prompt, prices.unit)
    completion = _cost(completion_tokens, prices.completion, prices.unit)
    unit = _plain(Decimal(1) / Decimal(prices.unit))
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=total,
        prompt_unit_price=_plain(prices.prompt),
        prompt_price_unit=unit,
        prompt_price=_plain(prompt),
        completion_unit_price=_plain(prices.completion),
        completion_price_unit=unit,
        completion_price=_plain(completion),
        total_price=_plain(prompt + completion),
        currency=prices.currency,
        latency=latency,
    )


def _cost(tokens: int, price: Decimal, unit: int) -> Decimal:
    return (Decimal(tokens) * price / Decimal(unit)).quantize(_PLACES)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
