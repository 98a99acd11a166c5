"""The web application: its routes, behind its guard."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from assistant import __version__
from assistant.server import metrics, refusals, routes
from assistant.server.activity import Activity
from assistant.server.answers import Answers
from assistant.server.api import chat, completions, models
from assistant.server.catalog import Catalog
from assistant.server.host import ModelHost
from assistant.server.limits import Limits
from assistant.server.metrics import Metrics
from assistant.server.refusals import RefusalLog
from assistant.server.security import Guard


@dataclass
class Service:
    """What the routes stand on."""

    host: ModelHost
    limits: Limits = field(default_factory=Limits)
    activity: Activity = field(default_factory=Activity)
    metrics: Metrics = field(default_factory=Metrics)
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Answers(self.host, self.limits, self.metrics)
        self.metrics.engine(lambda: self.host.model, self.host.stats)


def create_app(
    service: Service, *, token: str, on_failure_told: Callable[[], None] = lambda: None
) -> FastAPI:
    """The application for `service`, which is not running yet.

    `on_failure_told` is called when a client has asked after a model that could not be loaded.
    """
    app = FastAPI(title="assistant", docs_url=None, redoc_url=None, openapi_url=None)
    log = RefusalLog()
    refusals.install(app, log)
    catalog = Catalog(service.host)
    app.include_router(chat.router(catalog, service.answers))
    app.include_router(completions.router(catalog, service.answers))
    app.include_router(models.router(service.host, catalog))

    @app.get(routes.HEALTH)
    async def health() -> dict[str, Any]:
        """What state the server is in; the one route that needs no token."""
        state = service.host.state
        failed = state.status == "failed"
        if failed:
            on_failure_told()
        return {
            "status": "ending" if service.answers.ending and not failed else state.status,
            "model": service.host.model,
            "detail": state.detail,
            "version": __version__,
            "pid": os.getpid(),
            "running": service.activity.running,
        }

    @app.get(routes.METRICS)
    async def figures() -> Response:
        """How the server is doing, for Prometheus."""
        return Response(service.metrics.text(), media_type=metrics.CONTENT_TYPE)

    app.add_middleware(
        Guard,
        token=token,
        limits=service.limits,
        activity=service.activity,
        metrics=service.metrics,
        log=log,
    )
    return app
