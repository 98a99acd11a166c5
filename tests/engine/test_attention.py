import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from assistant.engine.attention import attend, packed_attention, use_packed_attention
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


def reference(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
) -> torch.Tensor:
    """The textbook's attention, in float64."""
    tokens, heads, _ = query.shape
    shared = heads // keys.shape[0]
    keys, values = (one.double().repeat_interleave(shared, 0) for one in (keys, values))
    scores = query.double().transpose(0, 1) @ keys.transpose(1, 2) * scale
    before = keys.shape[1] - tokens
    hidden = torch.ones(tokens, keys.shape[1], dtype=torch.bool).triu_(before + 1)
    weights = torch.softmax(scores.masked_fill(hidden, float("-inf")), dim=-1)
    return (weights @ values).transpose(0, 1).reshape(tokens, -1)


@given(
    tokens=st.integers(1, 300),
    before=st.sampled_from([0, 1, 7, 130, 500]),
    key_heads=st.integers(1, 3),
    shared=st.integers(1, 4),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
@settings(deadline=None, max_examples=60)
def test_attention_is_that_of_the_textbook(
    tokens: int, before: int, key_heads: int, shared: int, dtype: torch.dtype
) -> None:
    """Whichever way it is computed: for one token, a few, or the blocks of a prompt."""
    torch.manual_seed(tokens)
    query = torch.randn(tokens, key_heads * shared, 16, dtype=dtype)
    # With room behind, as in a cache that grows.
    keys, values = torch.randn(2, key_heads, before + tokens + 9, 16, dtype=dtype)[:, :, :-9]
    found = attend(query, keys, values, 0.3)
    expected = reference(query, keys, values, 0.3)
    tolerance = 1e-5 if dtype is torch.float32 else 0.03
    torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=tolerance)
