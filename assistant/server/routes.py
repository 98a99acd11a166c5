"""The routes there are, as logs and metrics name them: never by what a client sent."""

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
MODELS = "/v1/models"
MODEL = "/v1/models/{name}"
LOAD = "/models/load"
UNLOAD = "/models/unload"
HEALTH = "/health"
METRICS = "/metrics"
OTHER = "other"
_METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")


def route_of(path: str) -> str:
    """The route of a request's path, `other` where there is none."""
    if path in (CHAT, COMPLETIONS, MODELS, LOAD, UNLOAD, HEALTH, METRICS):
        return path
    return MODEL if path.startswith(f"{MODELS}/") else OTHER


def method_of(method: str) -> str:
    """A request's method, `other` where it is none that is known."""
    return method if method in _METHODS else OTHER
