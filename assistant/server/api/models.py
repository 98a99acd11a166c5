"""`GET /v1/models`, and which of them is in memory: `POST /models/load`, `/models/unload`."""

from typing import Any

from fastapi import APIRouter

from assistant.server import routes
from assistant.server.api.fields import Strict
from assistant.server.catalog import Catalog
from assistant.server.host import ModelHost
from assistant.server.refusals import Refusal

LOADING_RETRY_SECONDS = 2


class LoadRequest(Strict):
    """The body of `/models/load`."""

    model: str


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

    @api.post(routes.LOAD)
    async def load(body: LoadRequest) -> dict[str, Any]:
        """Bring a model into memory, with its adapter where the name says one."""
        check()
        target = catalog.target(body.model)
        (await host.lease(target.choice, target.adapter)).release()
        return catalog.entry(body.model)

    @api.post(routes.UNLOAD)
    async def unload() -> dict[str, Any]:
        """Free the memory of the model; the next request loads it again."""
        check()
        name = host.model
        if not await host.unload() and host.state.status == "ready":
            raise Refusal(409, f"{name} is in use: wait until it has answered", code="model_in_use")
        return {"model": name, "loaded": False}

    return api
