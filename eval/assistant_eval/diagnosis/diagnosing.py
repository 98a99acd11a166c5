"""All checks in their order, and the verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.engine.quiet import quiet
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import Check, Outcome, run
from assistant_eval.diagnosis.questions.batches import Batches
from assistant_eval.diagnosis.questions.explaining import Explaining
from assistant_eval.diagnosis.questions.letters import Letters
from assistant_eval.diagnosis.questions.matrix import Matrix
from assistant_eval.diagnosis.questions.results import Results
from assistant_eval.diagnosis.questions.truncation import Truncation
from assistant_eval.diagnosis.tokens.bos import Begin
from assistant_eval.diagnosis.tokens.known import KnownAnswers
from assistant_eval.diagnosis.tokens.perplexity import Perplexity, WikiText
from assistant_eval.diagnosis.tokens.tokenizer import TokenizerFiles
from assistant_eval.diagnosis.verdict import Verdict, weigh
from assistant_eval.diagnosis.weights.adapter import Adapter
from assistant_eval.diagnosis.weights.context import Context
from assistant_eval.diagnosis.weights.finite import Finite
from assistant_eval.diagnosis.weights.groups import Groups
from assistant_eval.diagnosis.weights.kernel import Kernel
from assistant_eval.diagnosis.weights.loading import Loading
from assistant_eval.diagnosis.weights.size import OtherSize, Size
from assistant_eval.diagnosis.weights.tensors import Tensors
from assistant_eval.diagnosis.weights.zeros import Zeros

CHECKS: Sequence[Check] = (
    Size(),
    Context(),
    Finite(),
    Adapter(),
    TokenizerFiles(),
    Tensors(),
    Groups(),
    Zeros(),
    Loading(),
    Kernel(),
    Begin(),
    Perplexity(),
    WikiText(),
    KnownAnswers(),
    Letters(),
    Batches(),
    Truncation(),
    Matrix(),
    OtherSize(),
    Results(),
    Explaining(),
)
"""The cheapest first: files, then weights, then a loaded model, then questions."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What came of it."""

    model: str
    verdict: Verdict
    outcomes: tuple[Outcome, ...]


def diagnose(case: Case) -> Diagnosis:
    """Run every check that can be run; a model that cannot be loaded is looked at all the same."""
    with quiet():
        outcomes = tuple(_outcomes(case))
    explained = any(one.check == Explaining.name and one.state == "passed" for one in outcomes)
    claim = None if case.claim is None else case.claim.value
    return Diagnosis(case.examined.local.name, weigh(outcomes, claim, explained), outcomes)


def _outcomes(case: Case) -> Iterator[Outcome]:
    for check in CHECKS:
        case.told(check.doing)
        yield run(check, case)
