"""What Prometheus is told: how many requests came, how long they took, how the engine is doing."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from assistant.engine.requests import EngineStats

CONTENT_TYPE = CONTENT_TYPE_LATEST
_FIRST_TOKEN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_WHOLE = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_GAUGES = {
    "running": "Requests that the engine is answering.",
    "waiting": "Requests whose turn has not come.",
    "cache_bytes": "Memory that is kept of earlier requests.",
}
_COUNTERS = {
    "steps": "Passes through the model.",
    "prompt_tokens": "Tokens of the prompts.",
    "cached_tokens": "Tokens of the prompts that earlier requests had computed.",
    "completion_tokens": "Tokens of the answers.",
    "drafted_tokens": "Tokens of the answers that were guessed first.",
    "accepted_tokens": "Guessed tokens that were right.",
}


class Watch:
    """Takes the time of one answer."""

    def __init__(self, first: Histogram, whole: Histogram) -> None:
        """Where the time to its first token, and to its end, is to be written down."""
        self._first = first
        self._whole = whole
        self._begun = time.perf_counter()
        self._seen = False

    def seen(self) -> None:
        """A piece was made."""
        if not self._seen:
            self._seen = True
            self._first.observe(time.perf_counter() - self._begun)

    def done(self) -> None:
        """The answer was made to its end."""
        self._whole.observe(time.perf_counter() - self._begun)


class Metrics:
    """The figures of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "assistant_http_requests",
            "Requests, by route and status.",
            ("route", "status"),
            registry=self._registry,
        )
        self._first = Histogram(
            "assistant_first_token_seconds",
            "From a request to the first piece of its answer.",
            ("route",),
            registry=self._registry,
            buckets=_FIRST_TOKEN,
        )
        self._whole = Histogram(
            "assistant_answer_seconds",
            "From a request to the end of its answer, of those that were not broken off.",
            ("route",),
            registry=self._registry,
            buckets=_WHOLE,
        )

    def request(self, route: str, status: int) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()

    def watch(self, route: str) -> Watch:
        """Take the time of an answer from now on."""
        return Watch(self._first.labels(route), self._whole.labels(route))

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show what `value` says whenever somebody asks."""
        Gauge(f"assistant_{name}", meaning, registry=self._registry).set_function(value)

    def engine(self, model: Callable[[], str], stats: Callable[[], EngineStats | None]) -> None:
        """Show how the engine of `model` is doing; nothing while `stats` has none."""
        self._registry.register(_Engine(model, stats))

    def text(self) -> bytes:
        """All of it, in Prometheus' text form."""
        return generate_latest(self._registry)


class _Engine(Collector):
    def __init__(self, model: Callable[[], str], stats: Callable[[], EngineStats | None]) -> None:
        self._model = model
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        stats, model = self._stats(), self._model()
        if stats is None:
            return
        for name, meaning in _GAUGES.items():
            gauge = GaugeMetricFamily(f"assistant_engine_{name}", meaning, labels=("model",))
            gauge.add_metric((model,), getattr(stats, name))
            yield gauge
        for name, meaning in _COUNTERS.items():
            counter = CounterMetricFamily(f"assistant_engine_{name}", meaning, labels=("model",))
            counter.add_metric((model,), getattr(stats, name))
            yield counter
