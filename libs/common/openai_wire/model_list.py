"""GET /v1/models."""

from typing import Any

from libs.common.contracts.chat import ModelList


def model_list_body(models: ModelList) -> dict[str, Any]:
    """The `list` object. `ready` False is a model whose provider lacks its credential."""
    return {
        "object": "list",
        "data": [
            {
                "id": model.id,
                "object": "model",
                "created": 0,
                "owned_by": model.vendor,
                "ready": model.ready,
            }
            for model in models.models
        ],
    }
