"""`GET /v1/models`."""

from typing import Any

from fastapi import APIRouter

from assistant.server import routes
from assistant.server.catalog import Catalog
from assistant.server.host import ModelHost
from assistant.server.refusals import Refusal

LOADING_RETRY_SECONDS = 2


def router(host: ModelHost, catalog: Catalog) -> APIRouter:
    """The routes, for the models in `catalog`."""
    api = APIRouter()

    def check() -> None:
        """Raise Refusal before the settings' model has been loaded: too little is known of it."""
        state = host.state
        if state.error is not None:
            raise Refusal(503, state.detail, code="model_failed")
        if host.home not in host.cards:
            raise Refusal(
                503, state.detail, code="model_loading", retry_after=LOADING_RETRY_SECONDS
            )

    @api.get(routes.MODELS)
    async def models() -> dict[str, Any]:
        """All models that requests may name."""
        check()
        return {"object": "list", "data": catalog.entries()}

    @api.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        """The model of that name."""
        check()
        return catalog.entry(name)

    return api
