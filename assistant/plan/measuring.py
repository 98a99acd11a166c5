"""How fast this machine is, measured with the engine's own decoder on layers of random weights.

Kernels are not bandwidth alone, and their speed depends on the widths. So a few layers pass real
tokens: of two widths, from which the rates for any width follow, or of a model's own. Together the
layers are larger than the processor's cache, so that weights come from memory, as they do in use.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from assistant.engine.attention import attend
from assistant.engine.decoder import Decoder
from assistant.engine.native.int4 import find_kernel
from assistant.engine.parts import Part
from assistant.model_specs import ModelSpec
from assistant.plan.machine import Device, Machine
from assistant.plan.random_layers import first_layers, random_head, random_model
from assistant.plan.speed import PROMPT_TOKENS, Line, Rates, Timing, attention_operations
from assistant.plan.weights import Storage, layer_parameters, storages_of, weights_of

_CHUNK = 256
"""Tokens of a prompt in one pass, as the engine reads it on a CPU."""
_CALLS, _CALLS_AT_LEAST, _CALLS_SECONDS = 20, 3, 0.25
"""How often something is timed: so often, unless it takes long."""
_L3 = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
_L3_BYTES = 32 << 20
"""Where the system does not tell."""
_BEYOND = 12
"""How many times larger than the processor's cache the layers are together: of three times as much
a third is still there when it is read again, and small models seem faster than they are."""
_PROMPT_LAYERS = 2
_MOST_LAYERS = 64
_FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
"""Whose layers the decoder computes; others are reckoned from the rates."""


_COPIED_BYTES = 256 << 20
_SIDE = 4096
"""Rows and columns of the matrices by which a GPU's arithmetic is timed."""
_HEAD_DIM = 128
_SHARED_KEY_HEADS = 8
"""With four heads to each."""


def _widths(hidden: int, intermediate: int) -> ModelSpec:
    heads = hidden // _HEAD_DIM
    layer = 4 * hidden**2 + 3 * hidden * intermediate
    return ModelSpec(
        name=str(hidden),
        kind="base",
        repository="",
        architecture="llama",
        parameters=_MOST_LAYERS * layer,
        layers=_MOST_LAYERS,
        hidden_size=hidden,
        intermediate_size=intermediate,
        heads=heads,
        kv_heads=heads,
        head_dim=_HEAD_DIM,
        vocab_size=0,
        context=PROMPT_TOKENS,
        licence="",
    )


_NARROW, _WIDE = _widths(1024, 2816), _widths(3072, 8192)


def measure_machine(
    machine: Machine, specs: Sequence[ModelSpec], on_progress: Callable[[str], None]
) -> Machine:
    """The machine with its rates, and with timings for the widths of `specs`."""
    devices = []
    for device in machine.devices:
        if device.kind == "cpu":
            devices.append(_measure_cpu(device, specs, on_progress))
        elif torch.cuda.is_available():
            on_progress(f"measuring the speed of {device.title}")
            limits = measure_limits(device.name)
            devices.append(replace(device, rates=dict.fromkeys(("bf16", "nf4", "gptq"), limits)))
        else:  # a PyTorch that was made for CPUs alone
            devices.append(device)
    return Machine(tuple(devices))


def _measure_cpu(
    device: Device, specs: Sequence[ModelSpec], on_progress: Callable[[str], None]
) -> Device:
    rates: dict[Storage, Rates] = {}
    for storage in ("bf16", "int4"):
        on_progress(f"measuring this machine's speed with weights in {storage}")
        rates[storage] = measure_rates(storage)
    copies = find_kernel() is None
    if copies:
        rates["int4"] = replace(rates["int4"], copied_prompt=rates["bf16"].prompt)
    rates["gptq"] = rates["int4"]
    timings: dict[tuple[str, Storage], Timing] = {}
    for spec in specs:
        if spec.architecture in _FAMILIES:
            on_progress(f"timing the widths of {spec.name}")
            timings |= {
                (spec.name, storage): measure_timing(spec, storage)
                for storage in storages_of(spec, "cpu")
            }
    return replace(device, copies=copies, rates=rates, timings=timings)


@torch.inference_mode()
def measure_timing(spec: ModelSpec, storage: Storage) -> Timing:
    """Time layers of the model's own widths on the CPU."""
    layers = _measure_layers(spec, storage)
    copies = storage != "bf16" and find_kernel() is None
    copied = _measure_prompt(spec) if copies else layers.prompt
    weights = weights_of(spec, storage, "cpu", copied=find_kernel() is None)
    head = weights.head * _head_byte(spec, storage)
    return Timing(layers.token, layers.prompt, copied, head)


@torch.inference_mode()
def measure_rates(storage: Storage) -> Rates:
    """Time layers of two widths on the CPU; what both take by their weights, and what besides."""
    narrow, wide = _NARROW, _WIDE
    attention_operation = _attention_operation(wide)
    tokens, prompts = [], []
    for spec in (narrow, wide):
        layers = _measure_layers(spec, storage)
        tokens.append((_layer_bytes(spec, storage), layers.bare_token))
        work = 2 * PROMPT_TOKENS * layer_parameters(spec) / spec.layers
        attention = attention_operations(spec) * attention_operation
        # On a busy machine the attention alone may have taken longer than all together.
        prompts.append((work, max(layers.prompt - attention, layers.prompt / 2)))
    return Rates(
        token=_line(*tokens),
        cache_byte=_cache_byte(4 * _SHARED_KEY_HEADS, _SHARED_KEY_HEADS),
        own_cache_byte=_cache_byte(wide.heads, wide.kv_heads),
        head_byte=_head_byte(wide, storage),
        prompt=_line(*prompts),
        copied_prompt=_line(*prompts),
        attention_operation=attention_operation,
    )


@torch.inference_mode()
def measure_limits(device: str) -> Rates:
    """What memory and arithmetic units of a GPU allow: no kernel comes closer than some part of it.

    Copying reads and writes each byte; a product of large bfloat16 matrices is all arithmetic.
    """
    source = torch.empty(_COPIED_BYTES, dtype=torch.uint8, device=device)
    target, square = torch.empty_like(source), torch.ones(_SIDE, _SIDE, device=device).bfloat16()

    def seconds(work: Callable[[], object]) -> float:
        def finish() -> None:
            work()
            torch.cuda.synchronize(device)

        return _seconds(finish)

    byte = seconds(lambda: target.copy_(source)) / (2 * _COPIED_BYTES)
    operation = seconds(lambda: square @ square) / (2 * _SIDE**3)
    return Rates(
        token=Line(0.0, byte),
        cache_byte=byte,
        own_cache_byte=byte,
        head_byte=byte,
        prompt=Line(0.0, operation),
        copied_prompt=Line(0.0, operation),
        attention_operation=operation,
    )


def _line(one: tuple[float, float], other: tuple[float, float]) -> Line:
    """The line through two points, size and seconds; neither start nor slope is below 0."""
    (small, low), (large, high) = one, other
    each = (high - low) / (large - small)
    start = low - each * small
    return Line(start, each) if each > 0 and start > 0 else Line(0.0, high / large)


@dataclass(frozen=True, slots=True)
class _Layers:
    """Seconds of one layer."""

    token: float
    """One token behind a prompt of PROMPT_TOKENS."""
    bare_token: float
    """One token behind next to nothing."""
    prompt: float
    """Such a prompt."""


def _measure_layers(spec: ModelSpec, storage: Storage) -> _Layers:
    size = _layer_bytes(spec, storage)
    number = min(max(_PROMPT_LAYERS, -int(-_BEYOND * _l3_bytes() // size)), spec.layers)
    model = random_model(spec, storage, number)
    # A prompt computes so much that the processor's cache is no matter: few layers do.
    prompt = _prompt_seconds(Decoder(first_layers(model, _PROMPT_LAYERS)))
    decoder = Decoder(model)
    empty: Any = decoder.new_cache()
    bare_token = _seconds(lambda: decoder.forward([Part([1], empty, 1)]))
    full: Any = decoder.new_cache()
    _fill(full, spec)
    token = _seconds(lambda: decoder.forward([Part([1], full, 1)]))
    return _Layers(token / number, bare_token / number, prompt / _PROMPT_LAYERS)


def _measure_prompt(spec: ModelSpec) -> float:
    """A prompt through one layer in bfloat16."""
    decoder = Decoder(random_model(spec, "bf16", _PROMPT_LAYERS))
    return _prompt_seconds(decoder) / _PROMPT_LAYERS


def _prompt_seconds(decoder: Decoder) -> float:
    return _seconds(lambda: _read(decoder))


def _layer_bytes(spec: ModelSpec, storage: Storage) -> float:
    return weights_of(spec, storage, "cpu").layers / spec.layers


def _read(decoder: Decoder) -> None:
    """Pass a prompt of PROMPT_TOKENS through all layers, with all of its states."""
    cache = decoder.new_cache()
    for start in range(0, PROMPT_TOKENS, _CHUNK):
        size = min(_CHUNK, PROMPT_TOKENS - start)
        decoder.forward([Part([1] * size, cache, size)])


def _fill(cache: Any, spec: ModelSpec) -> None:
    """Keys and values as a prompt of PROMPT_TOKENS leaves them."""
    seen = torch.randn(PROMPT_TOKENS, spec.kv_heads, spec.head_dim, dtype=torch.bfloat16)
    for layer in cache.growing:
        layer.append(seen, seen)


def _head_byte(spec: ModelSpec, storage: Storage) -> float:
    """Seconds by byte of a head as wide as the model, beyond the processor's cache."""
    outputs = _BEYOND * _l3_bytes() // (2 * spec.hidden_size)
    head, size = random_head(storage, spec.hidden_size, outputs)
    row = torch.zeros(1, spec.hidden_size, dtype=torch.bfloat16)
    return _seconds(lambda: head(row)) / size


def _cache_byte(heads: int, kv_heads: int) -> float:
    """Seconds by byte of keys and values that the attention of one token reads."""
    shape = (kv_heads, PROMPT_TOKENS, _HEAD_DIM)
    size = 4 * PROMPT_TOKENS * kv_heads * _HEAD_DIM
    number = -(-_BEYOND * _l3_bytes() // size)
    layers = [torch.zeros(shape, dtype=torch.bfloat16) for _ in range(2 * number)]
    query = torch.zeros(1, heads, _HEAD_DIM, dtype=torch.bfloat16)

    def all_layers() -> None:
        for keys, values in zip(layers[::2], layers[1::2], strict=True):
            attend(query, keys, values, 1.0)

    return _seconds(all_layers) / number / size


def _attention_operation(spec: ModelSpec) -> float:
    """Seconds by operation of a prompt's attention, at its last chunk."""
    keys = torch.zeros(spec.kv_heads, PROMPT_TOKENS, _HEAD_DIM, dtype=torch.bfloat16)
    query = torch.zeros(_CHUNK, spec.heads, _HEAD_DIM, dtype=torch.bfloat16)
    operations = 4 * _CHUNK * (PROMPT_TOKENS - _CHUNK // 2) * spec.heads * _HEAD_DIM
    return _seconds(lambda: attend(query, keys, keys, 1.0)) / operations


def _seconds(work: Callable[[], object]) -> float:
    """The median of several calls: an answer of many tokens has good and bad moments, too."""
    work()  # warms up
    times: list[float] = []
    while len(times) < _CALLS and (len(times) < _CALLS_AT_LEAST or sum(times) < _CALLS_SECONDS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _l3_bytes() -> int:
    """The processor's last cache."""
    try:
        text = _L3.read_text("ascii").strip()
    except OSError:
        return _L3_BYTES
    return int(text[:-1]) << 10 if text.endswith("K") and text[:-1].isdigit() else _L3_BYTES
