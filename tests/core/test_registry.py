"""The registry: its table is right, and names and paths find the weights they mean."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assistant import registry
from assistant.errors import (
    AssistantError,
    ModelFolderError,
    ModelNotFoundError,
    UsageError,
)
from assistant.model_specs import read_registry
from assistant.registry import (
    ModelSpec,
    adapter_named,
    adapters,
    download_bytes,
    find_spec,
    folder_of,
    installed,
    load_registry,
    locate,
)

SPECS = load_registry()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    return tmp_path


def put_model(folder: Path, **notes: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    if notes:
        (folder / "assistant.json").write_text(json.dumps(notes))
    return folder


def put_adapter(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    return folder


def reckoned(spec: ModelSpec) -> int:
    """Parameters from the widths: the formula of each architecture, written down apart."""
    hidden, heads, kv, width = spec.hidden_size, spec.heads, spec.kv_heads, spec.head_dim
    plain = spec.architecture in ("starcoder2", "gpt_bigcode")
    attention = 2 * hidden * heads * width + 2 * hidden * kv * width
    if spec.qkv_bias:
        attention += (heads + 2 * kv) * width
    if spec.architecture.startswith("qwen3"):
        attention += 2 * width
    if plain:
        attention += (heads + 2 * kv) * width + hidden
    experts = 128 if spec.architecture == "qwen3_moe" else 1
    router = hidden * experts if experts > 1 else 0
    feed_forward = experts * 3 * hidden * spec.intermediate_size + router
    if plain:
        feed_forward = 2 * hidden * spec.intermediate_size + spec.intermediate_size + hidden
    norms = 4 * hidden if plain else 2 * hidden
    embeddings = spec.vocab_size * hidden * (1 if spec.tied_embeddings else 2)
    if spec.architecture == "gpt_bigcode":
        embeddings += spec.context * hidden
    last_norm = 2 * hidden if plain else hidden
    return spec.layers * (attention + feed_forward + norms) + embeddings + last_norm


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_parameters_agree_with_the_widths(spec: ModelSpec) -> None:
    assert reckoned(spec) == pytest.approx(spec.parameters, rel=1e-4)


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_parameters_agree_with_the_name(spec: ModelSpec) -> None:
    size = next(part for part in spec.name.split("-") if part.endswith("b") and part[0].isdigit())
    assert spec.parameters / 1e9 == pytest.approx(float(size[:-1]), rel=0.25)


def test_every_wanted_family_is_known() -> None:
    families = {name.split("-")[0] for name in SPECS}
    assert families >= {"vicuna", "wizard", "wizardlm", "wizardcoder", "guanaco", "llama", "llama2"}
    assert {"vicuna-7b", "vicuna-13b", "vicuna-33b", "guanaco-65b", "wizardcoder-34b"} <= set(SPECS)


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_llama_chat_models_never_get_fill_in_the_middle_tokens(spec: ModelSpec) -> None:
    if spec.name.startswith(("vicuna", "wizard-vicuna", "wizardlm", "guanaco", "llama")):
        assert spec.fim_format == "none"


def test_download_sizes_agree_with_those_that_the_hub_shows() -> None:
    gb = 1e9
    assert download_bytes(SPECS["vicuna-33b"], "gptq") == pytest.approx(16.9 * gb, rel=0.05)
    assert download_bytes(SPECS["vicuna-7b"], "gptq") == pytest.approx(4.0 * gb, rel=0.05)
    coder = SPECS["qwen2.5-coder-7b-instruct"]
    assert download_bytes(coder, "gptq") == pytest.approx(5.59 * gb, rel=0.05)
    assert download_bytes(SPECS["starcoder2-7b"], "full") == pytest.approx(14.35 * gb, rel=0.01)
    assert download_bytes(SPECS["guanaco-33b"], "full") == pytest.approx(1.95 * gb, rel=0.01)


def test_a_damaged_table_is_refused_with_every_problem() -> None:
    text = """
    [shapes.small]
    architecture = "llama"
    parameters = "many"
    layers = 2
    hidden_size = 8
    intermediate_size = 16
    heads = 3
    kv_heads = 2
    head_dim = 4
    vocab_size = 100
    [models.first]
    shape = "small"
    kind = "toy"
    colour = "red"
    repository = "a/b"
    context = 10
    [models.second]
    shape = "none"
    [models.third]
    shape = "small"
    kind = "chat"
    repository = "a/b"
    safetensors = false
    parameters = 100
    context = 10
    licence = "MIT"
    chat_format = "morse"
    fim_format = "semaphore"
    wording = "poem"
    base = "fourth"
    """
    with pytest.raises(AssistantError) as caught:
        read_registry(text)
    for problem in (
        "first: colour is unknown",
        "first: kind cannot be 'toy'",
        "first: parameters cannot be 'many'",
        "first: licence is missing",
        "second: there is no shape 'none'",
        "third: there is no chat format morse",
        "third: there is no fill-in-the-middle format semaphore",
        "third: there is no wording poem",
        "third: neither of its variants can be pulled",
        "third: its base fourth is not in the registry",
        "third: 3 heads do not share 2 key-value heads evenly",
        "third: base and adapter_parameters",
    ):
        assert problem in str(caught.value)


def test_missing_weights_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "free_bytes", lambda: 100 * 10**9)
    with pytest.raises(ModelNotFoundError) as caught:
        locate("vicuna-13b")
    message = str(caught.value)
    assert "`assistant models pull vicuna-13b`" in message
    assert "7.2 GB" in message
    assert "100.0 GB free" in message
    assert "too few" not in message
    assert "\n" not in message


def test_missing_weights_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "free_bytes", lambda: 10**9)
    with pytest.raises(ModelNotFoundError, match=r"1\.0 GB free.*too few.*ASSISTANT_HOME"):
        locate("vicuna-13b")


def test_unknown_names_get_suggestions(home: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"did you mean .*vicuna-13b.*models list"):
        locate("vicunna-13b")
    put_model(home / "data/models/my-notes-model")
    with pytest.raises(ModelNotFoundError, match="my-notes-model"):
        locate("my-note-model")
    with pytest.raises(ModelNotFoundError, match=r"called zzz\. `assistant models list`"):
        locate("zzz")
    with pytest.raises(ModelNotFoundError, match="not known in a GPTQ variant"):
        find_spec("starcoder2-7b-gptq")


def test_a_name_finds_whichever_variant_is_here(home: Path) -> None:
    quantized = put_model(folder_of("vicuna-13b", "gptq"))
    local = locate("vicuna-13b")
    assert (local.folder, local.name) == (quantized, "vicuna-13b")
    assert (local.chat_format, local.fim_format, local.context) == ("vicuna_v1.1", "none", 2048)
    full = put_model(folder_of("vicuna-13b", "full"))
    assert locate("vicuna-13b").folder == full
    assert locate("vicuna-13b-gptq").folder == quantized
    assert installed() == {"vicuna-13b": ["full", "gptq"], **starter_here()}


def starter_here() -> dict[str, list[str]]:
    here = (Path(registry.__file__).parent / "starter" / "config.json").is_file()
    return {"starter": ["full"]} if here else {}


def test_partial_downloads_are_not_models(home: Path) -> None:
    put_model(home / "data/models/vicuna-13b-gptq.partial")
    assert installed() == starter_here()
    with pytest.raises(ModelNotFoundError):
        locate("vicuna-13b")
    with pytest.raises(ModelNotFoundError):
        locate("vicuna-13b-gptq.partial")


def test_a_model_of_ones_own_in_the_models_folder(home: Path) -> None:
    folder = put_model(home / "data/models/mine", chat_format="alpaca", context=512)
    local = locate("mine")
    assert (local.name, local.folder, local.chat_format, local.context) == (
        "mine",
        folder,
        "alpaca",
        512,
    )
    assert installed()["mine"] == ["full"]


def test_paths(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put_model(home / "mine/small", fim_format="qwen", wording="brief")
    expected = locate(str(folder))
    assert (expected.name, expected.folder) == ("small", folder)
    assert (expected.chat_format, expected.fim_format, expected.wording) == (None, "qwen", "brief")
    monkeypatch.chdir(home / "mine")
    assert locate("./small") == expected
    monkeypatch.setenv("HOME", str(home))
    assert locate("~/mine/small") == expected
    with pytest.raises(ModelNotFoundError):
        locate("small")  # a bare name is never a path, whatever the current folder holds
    with pytest.raises(ModelNotFoundError, match=r"there is no folder \./missing"):
        locate("./missing")
    with pytest.raises(ModelFolderError, match="holds no model"):
        locate(str(home / "mine"))


@pytest.mark.parametrize(
    ("notes", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "must hold a JSON object"),
        ('{"chat_format": "morse"}', "must be one of"),
        ('{"chat_format": ["alpaca"]}', "must be one of"),
        ('{"colour": 1}', "colour is unknown"),
        ('{"context": "big"}', "number of tokens"),
        ('{"wording": null}', "must be one of full, brief"),
    ],
)
def test_wrong_notes_in_a_folder(home: Path, notes: str, problem: str) -> None:
    folder = put_model(home / "model")
    (folder / "assistant.json").write_text(notes)
    with pytest.raises(ModelFolderError, match=problem):
        locate(str(folder))


def test_adapters_by_path(home: Path) -> None:
    base = put_model(home / "base")
    adapter = put_adapter(home / "adapter")
    assert locate(str(base), str(adapter)).adapter == adapter
    with pytest.raises(ModelFolderError, match="is an adapter: choose its base"):
        locate(str(adapter))
    with pytest.raises(ModelFolderError, match="holds no adapter"):
        locate(str(base), str(base))
    with pytest.raises(ModelNotFoundError, match="no adapter folder"):
        locate(str(base), str(home / "missing"))


def test_an_adapter_by_name_brings_its_base(home: Path) -> None:
    adapter = put_adapter(folder_of("guanaco-13b", "full"))
    with pytest.raises(ModelNotFoundError, match="pull llama-13b"):
        locate("guanaco-13b")
    base = put_model(folder_of("llama-13b", "gptq"))
    local = locate("guanaco-13b")
    assert (local.folder, local.adapter, local.chat_format) == (base, adapter, "guanaco")
    with pytest.raises(UsageError, match="is an adapter already"):
        locate("guanaco-13b", str(put_adapter(home / "another")))
    assert installed()["guanaco-13b"] == ["full"]


def test_a_whole_quantized_model_serves_for_an_adapter() -> None:
    folder = put_model(folder_of("guanaco-13b", "gptq"))
    local = locate("guanaco-13b")
    assert (local.folder, local.adapter) == (folder, None)


def test_the_registry_imports_no_heavy_library() -> None:
    code = (
        "import sys, assistant.registry as r; r.load_registry(); r.installed();"
        "sys.exit(bool({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def name_base(adapter: Path, base: object) -> None:
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))


def test_adapters_are_listed_with_the_base_they_name(home: Path) -> None:
    folder = home / "data" / "adapters"
    for name, base in (("mine", "lmsys/vicuna-13b-v1.3"), ("b.2", None), ("other", "/m/tiny")):
        name_base(put_adapter(folder / name), base)
    put_adapter(folder / "half.partial")
    (put_adapter(folder / "broken") / "adapter_config.json").write_text("[")
    put_model(folder / "model")
    assert [(found.name, found.base) for found in adapters()] == [
        ("b.2", ""),
        ("mine", "lmsys/vicuna-13b-v1.3"),
        ("other", "/m/tiny"),
    ]
    assert adapter_named("mine").folder == folder / "mine"
    assert adapter_named("mine").is_for("vicuna-13b")
    assert adapter_named("mine").is_for("vicuna-13b-gptq")
    assert not adapter_named("mine").is_for("tiny")
    assert adapter_named("other").is_for("tiny")
    assert not adapter_named("other").is_for("vicuna-13b")
    assert adapter_named("b.2").is_for("tiny")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b", "~x", "a" * 101, "not-there"]
)
def test_what_is_no_adapters_name_is_refused(home: Path, name: str) -> None:
    put_adapter(home / "data" / "x")
    put_adapter(home / "data" / "adapters" / "a" / "b")
    with pytest.raises(ModelNotFoundError, match="no adapter of that name"):
        adapter_named(name)
