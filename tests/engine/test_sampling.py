import pytest
import torch

from assistant.engine.sampling import Sampler
from assistant.messages import SamplingParams

LOGITS = torch.log(torch.tensor([0.1, 0.5, 0.15, 0.25]))


def draws(params: SamplingParams, count: int = 2000) -> list[int]:
    sampler = Sampler(params)
    return [sampler.choose(LOGITS) for _ in range(count)]


def test_temperature_zero_takes_the_likeliest() -> None:
    assert set(draws(SamplingParams(temperature=0.0), 20)) == {1}


def test_temperature_one_draws_as_the_model_says() -> None:
    found = draws(SamplingParams(temperature=1.0, seed=1))
    shares = [found.count(token) / len(found) for token in range(4)]
    assert shares == pytest.approx([0.1, 0.5, 0.15, 0.25], abs=0.03)


def test_temperature_sharpens_and_flattens() -> None:
    cold = draws(SamplingParams(temperature=0.3, seed=1)).count(1)
    warm = draws(SamplingParams(temperature=1.0, seed=1)).count(1)
    hot = draws(SamplingParams(temperature=5.0, seed=1)).count(1)
    assert cold > warm > hot


@pytest.mark.parametrize(
    ("top_p", "tokens"),
    [(0.01, {1}), (0.5, {1}), (0.6, {1, 3}), (0.8, {1, 2, 3}), (1.0, {0, 1, 2, 3})],
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p: float, tokens: set[int]) -> None:
    assert set(draws(SamplingParams(temperature=1.0, top_p=top_p, seed=3))) == tokens


def test_top_p_in_a_vocabulary_larger_than_what_is_sorted_first() -> None:
    sampler = Sampler(SamplingParams(temperature=1.0, top_p=0.99, seed=0))
    flat = torch.zeros(5000)
    assert max(sampler.choose(flat) for _ in range(200)) > 3000


def test_the_same_seed_gives_the_same_tokens_whatever_else_draws_random_numbers() -> None:
    first = draws(SamplingParams(temperature=1.0, seed=7), 50)
    disturbed = Sampler(SamplingParams(temperature=1.0, seed=7))
    again = []
    for _ in range(50):
        torch.manual_seed(99)
        torch.rand(10)
        again.append(disturbed.choose(LOGITS))
    assert again == first
    assert draws(SamplingParams(temperature=1.0, seed=8), 50) != first
    assert draws(SamplingParams(temperature=1.0), 50) != draws(SamplingParams(temperature=1.0), 50)


@pytest.mark.parametrize("seed", [-1, 0, 2**63 - 1, 2**80])
def test_any_integer_is_a_seed(seed: int) -> None:
    assert len(draws(SamplingParams(temperature=1.0, seed=seed), 3)) == 3


def test_a_tiny_temperature_is_greedy() -> None:
    assert set(draws(SamplingParams(temperature=1e-30, seed=1), 50)) == {1}
