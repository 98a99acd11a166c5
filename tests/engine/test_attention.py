import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from assistant.engine.attention import packed_attention, use_packed_attention
from assistant.engine.load import LoadedModel


class Layer(torch.nn.Module):
    """As much of an attention layer as transformers' function looks at."""

    is_causal = True

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.num_key_value_groups = groups


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("heads", "key_heads"), [(6, 2), (32, 4), (4, 1), (4, 4)])
@pytest.mark.parametrize("tokens", [1, 5])
@pytest.mark.parametrize("positions", [5, 300])
def test_packed_attention_is_transformers_attention(
    dtype: torch.dtype, heads: int, key_heads: int, tokens: int, positions: int
) -> None:
    torch.manual_seed(0)
    layer = Layer(heads // key_heads).eval()
    query = torch.randn(1, heads, tokens, 16, dtype=dtype)
    key, value = torch.randn(2, 1, key_heads, positions + 50, 16, dtype=dtype)[..., :positions, :]
    ours, _ = packed_attention(layer, query, key, value, None, scaling=0.3)
    theirs, _ = sdpa_attention_forward(layer, query, key, value, None, scaling=0.3)
    assert ours.shape == theirs.shape == (1, tokens, heads, 16)
    # In bfloat16 both round the same sums, in another order at most.
    torch.testing.assert_close(ours, theirs)


def test_the_engines_model_uses_it_and_others_keep_theirs(loaded: LoadedModel) -> None:
    use_packed_attention(loaded.model)
    assert loaded.model.config._attn_implementation == "assistant_packed"
    loaded.model.set_attn_implementation("eager")
    use_packed_attention(loaded.model)
    assert loaded.model.config._attn_implementation == "eager"
    loaded.model.set_attn_implementation("sdpa")
