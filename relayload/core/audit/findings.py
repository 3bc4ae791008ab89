"""What an audit found: a part of `summary.json`, and the content of `audit.json`.

It says what was measured and what follows, never why: a system prompt, a quantized model, routing or a safety layer
make answers differ as well as another model does.
"""

from msgspec import Struct

from relayload.core.audit.token_line import Estimate

SCHEMA_VERSION = 1

_FEW_PROMPTS = 10
_FEW_ANSWERS = 5


class Tokens(Struct, frozen=True, kw_only=True):
    """The tokens that a relay reported beside those counted here."""

    answers: int
    counted: int
    reported: int
    factor: Estimate | None = None
    """reported = factor x counted + offset: 1 if honest, above it if inflated. None where the counts are too few or too
    much alike."""
    offset: Estimate | None = None
    """Tokens beyond that in every request, as a hidden prompt adds; 0 if honest."""
    off_line: int = 0
    """Answers reported with clearly more than that line says: a share of them is inflated."""


class Usage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether one target counts the tokens of one model as they are."""

    target: str | None
    model: str
    answers: int
    encoding: str | None = None
    """By which tokens were counted here."""
    reference: str | None = None
    """The target whose reports stand in for counts, where the encoding is not known."""
    unknown: str | None = None
    """Why nothing can be told of its counts."""
    input: Tokens | None = None
    output: Tokens | None = None
    hidden_reasoning: int = 0
    """Answers whose reasoning was reported and not sent, so that their output is only known from below."""
    faults: dict[str, int] = {}
    """Answers by what is wrong in their report: a name of `core/audit/faults.py`."""
    usd_per_month: Estimate | None = None
    """What the difference costs in a month of the profile's traffic; None without prices."""


class Control(Struct, frozen=True, kw_only=True):
    """The reference against itself, which must not differ."""

    model: str
    answers: tuple[int, int]
    p: float
    differs: bool


class Sensitivity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a test with these answers could have seen."""

    against: str | None = None
    """A recorded model that might have answered instead; None for a model whose answers have nothing in common."""
    seen_in_100: int | None = None
    """In how many of 100 audits a whole swap would have been seen."""
    smallest_share: float | None = None
    """The share of swapped answers that would have been seen in 90 of 100; None where not even all of them would."""


class ModelDifference(Struct, frozen=True, kw_only=True):
    """Whether a target answers as the reference does when it is asked for the same model."""

    target: str
    reference: str
    model: str
    prompts: int
    answers: tuple[int, int]
    mmd: float
    """The discrepancy in matching characters; about 0 without a difference."""
    p: float
    """Corrected for the number of comparisons."""
    differs: bool
    sensitivity: tuple[Sensitivity, ...] = ()

    @property
    def sees_little(self) -> bool:
        """True if it has fewer than 10 prompts, or fewer than 5 answers to each."""
        return self.prompts < _FEW_PROMPTS or min(self.answers) < _FEW_ANSWERS * self.prompts


class Named(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the answers of a target say of themselves."""

    target: str | None
    model: str
    answered_models: dict[str, int] = {}
    """Answers by the model that they name."""
    fingerprints: dict[str, int] = {}


class Checked(Struct, frozen=True, kw_only=True):
    """Answers to questions that have a right one."""

    target: str | None
    model: str
    kind: str
    """`sums`, `json` or `needle`."""
    asked: int
    passed: int
    low: float
    """The 95 % interval of the share that passed."""
    high: float


class Feature(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a request field is honoured."""

    target: str | None
    model: str
    name: str
    """`context`, `max_tokens`, `stop`, `logprobs`, `seed` or `tools`."""
    honoured: bool | None
    """None where the answers do not tell."""
    seen: str = ""
    """What the answer showed instead."""


class Change(Struct, frozen=True, kw_only=True):
    """Whether something differs between a low rate and another one, or with a quota that is nearly used."""

    target: str | None
    model: str
    quantity: str
    """`input_factor`, `output_factor`, `answers`, `answer_length`, `truncated`, `refused` or `checked`."""
    condition: str
    """The load under which it may have changed, `plan's rate`, `burst` or `quota nearly used`."""
    answers: tuple[int, int]
    """How many were compared: at the low rate, or with more of the quota left, and under the condition."""
    before: float | None
    under: float | None
    p: float
    """Corrected for the number of comparisons."""
    changed: bool


class Audit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the audited answers of a run say of its targets."""

    answers: int = 0
    usage: tuple[Usage, ...] = ()
    named: tuple[Named, ...] = ()
    checked: tuple[Checked, ...] = ()
    features: tuple[Feature, ...] = ()
    controls: tuple[Control, ...] = ()
    differences: tuple[ModelDifference, ...] = ()
    changes: tuple[Change, ...] = ()
    doubts: tuple[str, ...] = ()
    """Why some of it should not be believed, such as a control that differs."""
    schema_version: int = SCHEMA_VERSION
