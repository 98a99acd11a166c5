"""The web application: its routes, behind its guard."""

import os
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from assistant import __version__
from assistant.server import chat, completions, refusals
from assistant.server.answers import Answers
from assistant.server.security import Guard
from assistant.server.serving import Activity, ModelSlot, Served


def create_app(
    slot: ModelSlot,
    *,
    token: str,
    answers: Answers,
    activity: Activity,
    on_failure_told: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application for the model in `slot`.

    `on_failure_told` is called when a client has asked after a model that could not be loaded.
    """
    app = FastAPI(title="assistant", docs_url=None, redoc_url=None, openapi_url=None)
    refusals.install(app)
    app.include_router(chat.router(slot, answers))
    app.include_router(completions.router(slot, answers))
    began = int(time.time())

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """What state the server is in; the one route that needs no token."""
        state = slot.state
        if state.status == "failed":
            on_failure_told()
        return {
            "status": state.status,
            "model": slot.name,
            "detail": state.detail,
            "version": __version__,
            "pid": os.getpid(),
            "running": activity.running,
        }

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The model that is served, in a list."""
        return {"object": "list", "data": [_card(slot.served(), began)]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        """The model of that name."""
        return _card(slot.served(name), began)

    app.add_middleware(Guard, token=token, activity=activity)
    return app


def _card(served: Served, began: int) -> dict[str, Any]:
    """A model as OpenAI's API lists it, with what the assistant's front ends want to know."""
    return {
        "id": served.name,
        "object": "model",
        "created": began,
        "owned_by": "local",
        "context": served.context,
        "wording": served.wording,
        "chat": served.chat,
        "fim": served.fim,
        "description": served.description,
    }
