"""The recipe: every option of a run with its default, limits and sentence, in this one place.

`schema/recipe.schema.json`, the TypeScript types, `docs/recipe.md` and the editor's completion are generated from here.
A recipe is read once (`recipe.load_recipe`), frozen, written resolved into `run.json` and passed down unchanged.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """Base of every section: unknown keys are errors, values never change, docstrings become the schema's sentences."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )


# ---------------------------------------------------------------- model


class LoraConfig(Frozen):
    """Low-rank adapters instead of full fine-tuning."""

    rank: int = Field(16, ge=1, le=1024)
    """Rank r of the adapters."""
    alpha: int = Field(32, ge=1)
    """Scale: the update is alpha / rank times B A."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout on the adapters' input while training."""
    targets: tuple[str, ...] = Field(
        ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), min_length=1
    )
    """Names of the linear layers that get an adapter; `lm_head` and `embed_tokens` are allowed."""


class ModelConfig(Frozen):
    """The model under training."""

    path: str = Field(min_length=1)
    """A folder in Hugging Face layout (safetensors), relative to the recipe, or a Hub id such as `Qwen/Qwen3-0.6B`."""
    revision: str | None = None
    """Branch, tag or commit, when `path` is a Hub id."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; `auto` takes CUDA, then MPS, then the CPU."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of weights and activations; `auto` is bfloat16 on CUDA and float32 elsewhere."""
    lora: LoraConfig | None = None
    """Adapters; null trains all weights."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""
    threads: int | None = Field(None, ge=1, le=512)
    """Threads of PyTorch on the CPU; null leaves PyTorch's own choice."""
    trust_remote_code: Literal[False] = False
    """Code shipped with a model is never run."""


# ---------------------------------------------------------------- data and prompts


class ColumnMapping(Frozen):
    """Which column of the data holds what; a dot reaches into nested columns (`reward_model.ground_truth`)."""

    prompt: str = "prompt"
    """The problem: a text, or a list of chat messages `{role, content}`."""
    answer: str = "answer"
    """The reference answer the reward compares with."""
    demonstration: str | None = "demonstration"
    """A good response as text; null when the data has none. Rows without one are allowed."""
    id: str | None = None
    """A unique name of the row; null numbers them by position."""


class DataConfig(Frozen):
    """One set of problems."""

    path: str = Field(min_length=1)
    """A `.jsonl` or `.parquet` file, or a data set folder, relative to the recipe; or a Hub id (needs the network)."""
    split: str = "train"
    """Split of a data set folder or Hub data set; files have none and ignore it."""
    columns: ColumnMapping | Literal["openr1_math"] = ColumnMapping()
    """The mapping, or the name of a ready one: `openr1_math` fits `Elliott/Openr1-Math-46k-8192`."""
    limit: int | None = Field(None, ge=1)
    """Take the first so many rows; null takes all."""


class PromptConfig(Frozen):
    """How a problem becomes the model's prompt, by the model's own chat template."""

    system: str | None = None
    """A system message put before the problem's own messages; null adds none."""
    chat_template: str | None = None
    """A Jinja file, relative to the recipe, used instead of the model's own template."""
    date: str = Field("2026-01-01", pattern=r"^\d{4}-\d{2}-\d{2}$")
    """The date a template sees when it asks for today's, so that prompts do not change overnight."""
    think_tags: tuple[str, str] = ("<think>", "</think>")
    """The tags around the reasoning; the format gate and the cut of demonstrations use them."""
    max_tokens: int = Field(1024, ge=1)
    """A prompt longer than this is refused with its line."""

    @model_validator(mode="after")
    def _values_make_sense(self) -> PromptConfig:
        try:
            date.fromisoformat(self.date)
        except ValueError:
            raise ValueError(f"prompt.date is {self.date}, which is no day; write a day like 2026-01-01") from None
        opening, closing = self.think_tags
        if not opening.strip() or not closing.strip() or opening in closing or closing in opening:
            raise ValueError(
                f'prompt.think_tags are "{opening}" and "{closing}"; '
                "give two texts that are not empty, neither inside the other"
            )
        return self


# ---------------------------------------------------------------- rewards


class FormatGate(Frozen):
    """A response that breaks the form scores 0, whatever its answer."""

    require_think: bool = True
    """Exactly one reasoning block, closed before the answer; a tag the prompt opened counts as opened."""
    require_end: bool = True
    """The response ended by itself, not by the length limit."""


class RewardBase(Frozen):
    """What every reward has."""

    name: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the part in records and curves; null takes the kind."""
    weight: float = 1.0
    """Factor in the sum of all parts."""


class ExactReward(RewardBase):
    """1 when the extracted answer equals the reference, white space apart."""

    kind: Literal["exact"] = "exact"
    extract: Literal["boxed", "last_line", "after_think"] = "boxed"
    """Where the answer stands: in the only `\\boxed{}`, on the last line, or all text after the reasoning."""


class RegexReward(RewardBase):
    """1 when the pattern's group `answer` (or the whole match) equals the reference; `match_only`: when it matches."""

    kind: Literal["regex"] = "regex"
    pattern: str = Field(min_length=1)
    """A Python regular expression, searched in the whole response; the last match counts."""
    match_only: bool = False
    """Do not compare with the reference."""
    timeout_seconds: float = Field(1.0, gt=0, le=300)
    """A search that takes longer is ended, scores 0 and is counted as `timeout`."""


class MathReward(RewardBase):
    """1 when math-verify finds the answer equal to the reference; runs in a worker process with a time limit."""

    kind: Literal["math"] = "math"
    timeout_seconds: float = Field(5.0, gt=0, le=300)
    """A check that takes longer is ended, scores 0 and is counted as `timeout`."""


class StepsReward(RewardBase):
    """Share of correct lines of the form `a+b=c` or `a-b=c` in the reasoning; 0 when there is none."""

    kind: Literal["steps"] = "steps"
    all_or_nothing: bool = False
    """1 only when every line is right and each starts from the result before it."""


class PythonReward(RewardBase):
    """A function of the user's, `score(prompt, response, answer, row) -> float | dict[str, float]`, in its own process.

    A dict's values are summed, and each is recorded as `<part>.<key>`.
    """

    kind: Literal["python"] = "python"
    path: str = Field(min_length=1)
    """The file, relative to the recipe; its hash is written to `run.json`."""
    function: str = Field("score", pattern=r"^[A-Za-z_]\w*$")
    """Name of the function in it."""
    timeout_seconds: float = Field(10.0, gt=0, le=3600)
    """A call that takes longer is ended, scores 0 and is counted as `timeout`."""


Reward = Annotated[ExactReward | RegexReward | MathReward | StepsReward | PythonReward, Field(discriminator="kind")]


class RewardConfig(Frozen):
    """How responses are judged: named parts, a weighted sum, a gate before it."""

    parts: tuple[Reward, ...] = Field((ExactReward(),), min_length=1)
    """The rewards; the sum of weight times value is R."""
    gate: FormatGate | None = FormatGate()
    """The form a response must have; null has no gate."""
    correct_at: float = 1.0
    """A response counts as right when R, before the overlong penalty, reaches this value."""
    overlong_buffer: int = Field(0, ge=0)
    """DAPO's soft overlong penalty: over the last so many tokens before the limit R falls linearly by 1; 0 is off."""

    @model_validator(mode="after")
    def _names_differ(self) -> RewardConfig:
        names = ["format", "overlong", *(part.name or part.kind for part in self.parts)]
        for name in names[2:]:
            if names.count(name) > 1:
                raise ValueError(f"reward.parts has more than one part named `{name}`; give it another `name`")
        reachable = sum(max(part.weight, 0.0) for part in self.parts)
        if reachable < self.correct_at - 1e-9 and all(part.kind != "python" for part in self.parts):
            raise ValueError(
                f"reward.correct_at is {self.correct_at} but the weights sum to {reachable}, so no response could "
                "count as right; lower it or raise a weight"
            )
        return self


# ---------------------------------------------------------------- rollouts and optimisation


class SamplingConfig(Frozen):
    """How the policy writes."""

    temperature: float = Field(1.0, ge=0, le=10)
    """0 is greedy; log-probs and entropies are of logits / temperature."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Keep the smallest set of tokens with at least this mass; 1 keeps all."""
    top_k: int = Field(0, ge=0)
    """Keep the so many likeliest tokens; 0 keeps all."""
    min_p: float = Field(0.0, ge=0, lt=1)
    """Drop tokens less likely than this share of the likeliest; 0 keeps all."""
    max_tokens: int = Field(1024, ge=1)
    """Longest response; a response that reaches it is truncated."""


class RolloutConfig(SamplingConfig):
    """The rollouts of training."""

    batch_tokens: int = Field(65536, ge=1)
    """Rows decoded at once times their longest possible length; a limit of memory, not of results."""


class OptimiserConfig(Frozen):
    """AdamW, its schedule and its guards."""

    learning_rate: float = Field(1e-6, gt=0, le=1)
    """Peak learning rate."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    """Decay of the two moments."""
    eps: float = Field(1e-8, gt=0)
    """Added to the root of the second moment."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay on matrices."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Shape after warm-up."""
    warmup_steps: int = Field(0, ge=0)
    """Steps of linear warm-up."""
    final_ratio: float = Field(0.1, ge=0, le=1)
    """Where `linear` and `cosine` end, as a share of the peak."""
    clip: float | None = Field(1.0, gt=0)
    """Largest global gradient norm; null does not clip."""
    skip_above: float | None = Field(None, gt=0)
    """An update with a larger gradient norm (before clipping) is skipped, with an event; null skips none."""


class TrainingConfig(Frozen):
    """Sizes of a step."""

    steps: int = Field(500, ge=1)
    """Steps of the run."""
    prompts_per_step: int = Field(128, ge=1)
    """Prompts in a step (S0)."""
    updates_per_step: int = Field(1, ge=1)
    """Optimiser updates a step is split into; later ones are slightly off-policy."""
    micro_batch_tokens: int = Field(32768, ge=1)
    """Tokens (prompts included) of one forward and backward pass; a limit of memory, not of results."""
    max_response_tokens: int | None = Field(None, ge=1)
    """Longest demonstration, cut with its end token left out; null takes `rollouts.max_tokens`."""


class DynamicSampling(Frozen):
    """DAPO: sample on until every group of the step has mixed outcomes."""

    max_rounds: int = Field(3, ge=1, le=100)
    """Rounds of refilling at most; then the step goes on with what it has, and says so."""


# ---------------------------------------------------------------- methods


class EntropyBonusBase(Frozen):
    """Knobs that every method has."""

    entropy_bonus: float = Field(0.0, ge=0)
    """Coefficient of the mean token entropy that is subtracted from the loss."""


Denominator = Literal["shared", "per_stream_mean", "constant", "sequence_mean", "hpt"]


class SrftConfig(Frozen):
    """SRFT (arXiv 2506.19767). A preset fixes what keys below leave null; a key that is set wins over its preset."""

    kind: Literal["srft"] = "srft"
    preset: Literal["stable", "paper", "paper_literal", "released", "hpt"] = "stable"
    """`stable` is our default; `paper`, `paper_literal`, `released`, `hpt` differ as docs/srft.md says."""
    rollouts: int = Field(7, ge=1, le=1024)
    """Own rollouts of a prompt with a demonstration; a prompt without one gets one more."""
    sft_scale: float = Field(0.5, ge=0)
    """0.5 in w_SFT = 0.5 exp(-H)."""
    rl_scale: float = Field(0.1, ge=0)
    """0.1 in w_RL = 0.1 exp(H)."""
    sft_entropy_sign: Literal[-1, 1] | None = None
    """Sign of H in w_SFT: -1 as in the paper, +1 as in the released code; null takes the preset's."""
    entropy_scope: Literal["token", "sequence", "batch"] | None = None
    """Over which tokens H is averaged before it weighs; null takes the preset's."""
    advantage_std: bool | None = None
    """Divide the advantage by the group's standard deviation; null takes the preset's."""
    demo_ratio: Literal["shaped", "identity"] | None = None
    """A demonstration token's ratio: p / (p + gamma), or p itself as in the paper's Eq. 10; null takes the preset's."""
    gamma: float = Field(0.1, gt=0)
    """gamma in p / (p + gamma)."""
    self_term: Literal["signed_logp", "signed_ratio", "adv_ratio"] | None = None
    """Form of the term on own rollouts; null takes the preset's."""
    denominator: Denominator | None = None
    """What each term is divided by; null takes the preset's."""
    negative_weight: float = Field(1.0, ge=0)
    """Weight of wrong rollouts in the signed self terms; 1 is the paper's."""
    skip_uniform_groups: bool = False
    """Leave groups that are all right or all wrong out of the self term."""
    demo_reward: Literal["verify", "assume_correct"] = "verify"
    """Judge demonstrations like rollouts, or take them as right."""
    mask_tokens_with_prob_above: float | None = Field(None, gt=0, lt=1)
    """Leave own tokens likelier than this out of the gradient (the paper's Fig. A2); null leaves none out."""
    entropy_bonus: float | None = Field(None, ge=0)
    """Coefficient of the mean token entropy that is subtracted from the loss; null takes the preset's."""


class SftConfig(EntropyBonusBase):
    """Supervised fine-tuning on the demonstrations."""

    kind: Literal["sft"] = "sft"


class GrpoConfig(EntropyBonusBase):
    """GRPO; Dr.GRPO and DAPO are settings of it (docs/srft.md has them as a table)."""

    kind: Literal["grpo"] = "grpo"
    rollouts: int = Field(8, ge=2, le=1024)
    """Rollouts of a prompt."""
    advantage_std: bool = True
    """Divide the advantage by the group's standard deviation; off in Dr.GRPO."""
    clip_low: float | None = Field(0.2, gt=0, lt=1)
    """The ratio is clipped at 1 - clip_low; null does not clip."""
    clip_high: float | None = Field(0.2, gt=0)
    """The ratio is clipped at 1 + clip_high; DAPO takes 0.28; null does not clip."""
    denominator: Denominator = "sequence_mean"
    """`sequence_mean` as in GRPO, `shared` (token mean) as in DAPO, `constant` as in Dr.GRPO."""
    kl: float = Field(0.0, ge=0)
    """Coefficient of the KL to the starting model (estimator exp(d) - d - 1); 0 needs no reference."""
    dynamic_sampling: DynamicSampling | None = None
    """Refill groups without mixed outcomes; null keeps every group."""
    mask_truncated: bool = False
    """DAPO's overlong filtering: truncated rollouts give no gradient."""


class LuffyConfig(EntropyBonusBase):
    """LUFFY (arXiv 2504.14945): a demonstration joins the group, its tokens weighted by p / (p + gamma)."""

    kind: Literal["luffy"] = "luffy"
    rollouts: int = Field(7, ge=1, le=1024)
    """Own rollouts of a prompt with a demonstration; a prompt without one gets one more."""
    advantage_std: bool = False
    """Divide the advantage by the group's standard deviation; off in the published script."""
    gamma: float = Field(0.1, gt=0)
    """gamma in p / (p + gamma)."""
    denominator: Denominator = "constant"
    """What the sum over tokens is divided by."""
    demo_reward: Literal["verify", "assume_correct"] = "verify"
    """Judge demonstrations like rollouts, or take them as right."""
    entropy_bonus: float = Field(0.001, ge=0)
    """Coefficient of the mean token entropy that is subtracted from the loss."""


class SftThenRlConfig(Frozen):
    """SFT first, GRPO after it: two phases of one run."""

    kind: Literal["sft_rl"] = "sft_rl"
    sft_steps: int = Field(100, ge=1)
    """Steps of the first phase."""
    sft_learning_rate: float | None = Field(None, gt=0, le=1)
    """Peak learning rate of the first phase; null takes `optimiser.learning_rate`."""
    sft: SftConfig = SftConfig()
    """The first phase."""
    grpo: GrpoConfig = GrpoConfig(clip_high=0.28, denominator="shared", advantage_std=False)
    """The second phase."""


Method = Annotated[SrftConfig | SftConfig | GrpoConfig | LuffyConfig | SftThenRlConfig, Field(discriminator="kind")]


# ---------------------------------------------------------------- evaluation, records


class EvaluationConfig(Frozen):
    """Held-out problems, asked while training."""

    data: DataConfig
    """The problems; they choose the best checkpoint."""
    every: int = Field(10, ge=1)
    """Evaluate each so many steps, before the first and after the last."""
    samples: int = Field(0, ge=0, le=1024)
    """Sampled responses a problem beside the greedy one, for avg@k and pass@k; 0 is greedy only."""
    sampling: SamplingConfig = SamplingConfig(temperature=0.6, top_p=0.95)
    """How the sampled responses are written; `max_tokens` also limits the greedy ones."""


class FinalEvaluationConfig(Frozen):
    """Problems asked once, at the end, with the last and the best checkpoint; they choose nothing."""

    data: DataConfig
    """The problems."""
    samples: int = Field(0, ge=0, le=1024)
    """Sampled responses a problem beside the greedy one."""
    sampling: SamplingConfig = SamplingConfig(temperature=0.6, top_p=0.95)
    """How the sampled responses are written."""


class ProbesConfig(Frozen):
    """A few problems of the training data, answered again at each evaluation, so that steps can be laid side by side.

    They choose nothing and count in no accuracy; their random numbers are the same each time.
    """

    ids: tuple[str, ...] | None = Field(None, min_length=1, max_length=64)
    """Ids of problems of `data`; null takes the first ones."""
    first: int = Field(3, ge=1, le=64)
    """Where `ids` is null: so many problems from the beginning of `data`."""
    samples: int = Field(1, ge=1, le=64)
    """Responses a problem, each time."""
    sampling: SamplingConfig = SamplingConfig()
    """How they are written; temperature 0 is greedy and takes one response a problem."""


class CheckpointConfig(Frozen):
    """What is kept of the weights."""

    every: int = Field(50, ge=1)
    """Write a checkpoint each so many steps, and at the end."""
    keep_last: int = Field(2, ge=1)
    """Keep the so many newest; only the newest holds the state for resuming."""
    keep_best: int = Field(1, ge=0)
    """Keep the so many best by held-out accuracy."""


class RecordingConfig(Frozen):
    """What is kept of the rollouts."""

    max_gb: float = Field(20.0, gt=0)
    """Beyond it only the tokens of a seeded share of groups are kept; index and curves go on."""
    share_beyond: float = Field(0.1, ge=0, le=1)
    """That share."""


class CollapseGuard(Frozen):
    """Stop when the policy has collapsed."""

    entropy_below: float = Field(1e-3, ge=0)
    """Mean entropy of own rollouts, in nats, under which a step counts as collapsed."""
    steps: int = Field(20, ge=1)
    """So many collapsed steps in a row end the run with the event `stopped_on_collapse`."""


class Recipe(Frozen):
    """What to train, on what, how, and what to keep: the whole of a run."""

    schema_: str | None = Field(None, alias="$schema")
    """Where an editor finds the schema; the trainer does not read it."""
    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,79}$")
    """A name for people."""
    seed: int = Field(0, ge=0, lt=2**53)
    """Seed of everything random in the run."""
    deterministic: bool = False
    """Only deterministic kernels: slower on a GPU, needed there to resume to the bit; the CPU is deterministic."""
    model: ModelConfig
    """The model."""
    data: DataConfig
    """The training problems."""
    prompt: PromptConfig = PromptConfig()
    """How a problem becomes a prompt."""
    reward: RewardConfig = RewardConfig()
    """How responses are judged."""
    method: Method = SrftConfig()
    """How the model learns."""
    rollouts: RolloutConfig = RolloutConfig()
    """How own rollouts are sampled."""
    training: TrainingConfig = TrainingConfig()
    """Sizes of a step."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """AdamW."""
    evaluation: EvaluationConfig | None = None
    """Held-out problems; null evaluates nothing."""
    final_evaluation: FinalEvaluationConfig | None = None
    """A last set that chose nothing; null has none."""
    probes: ProbesConfig | None = None
    """Training problems answered at each pass of `evaluation`, which must be there; null asks none."""
    checkpoint: CheckpointConfig = CheckpointConfig()
    """What is kept of the weights."""
    recording: RecordingConfig = RecordingConfig()
    """What is kept of the rollouts."""
    stop_on_collapse: CollapseGuard | None = None
    """When to give up; null never does."""

    @model_validator(mode="after")
    def _keys_agree(self) -> Recipe:
        if self.method.kind == "sft_rl" and self.method.sft_steps >= self.training.steps:
            raise ValueError(
                f"method.sft_steps is {self.method.sft_steps} but training.steps is {self.training.steps}; "
                "leave steps for the second phase"
            )
        if self.method.kind != "sft" and self.rollouts.temperature == 0:
            raise ValueError(
                "rollouts.temperature is 0, so all rollouts of a group are equal and nothing can be learned; "
                "set it above 0 (1.0 is usual)"
            )
        for name, part in (("evaluation", self.evaluation), ("final_evaluation", self.final_evaluation)):
            if part and part.samples > 0 and part.sampling.temperature == 0:
                raise ValueError(
                    f"{name}.sampling.temperature is 0 but {name}.samples is {part.samples}, which would all be equal; "
                    f"set the temperature above 0, or {name}.samples to 0 (there is always one greedy answer)"
                )
        if self.probes is not None:
            _probes_agree(self.probes, self.evaluation)
        if self.reward.overlong_buffer >= self.rollouts.max_tokens:
            raise ValueError(
                f"reward.overlong_buffer is {self.reward.overlong_buffer} but rollouts.max_tokens is "
                f"{self.rollouts.max_tokens}; make the buffer shorter"
            )
        return self


def _probes_agree(probes: ProbesConfig, evaluation: EvaluationConfig | None) -> None:
    if evaluation is None:
        raise ValueError(
            "`probes` is set but evaluation is null, and probes are asked together with its problems; add "
            "`evaluation`, or set probes to null"
        )
    if probes.samples > 1 and probes.sampling.temperature == 0:
        raise ValueError(
            f"probes.sampling.temperature is 0 but probes.samples is {probes.samples}, which would all be equal; set "
            "the temperature above 0, or probes.samples to 1"
        )
    ids = probes.ids or ()
    twice = next((name for place, name in enumerate(ids) if name in ids[:place]), None)
    if twice is not None:
        raise ValueError(f"probes.ids names `{twice}` twice; name each problem once")


# ---------------------------------------------------------------- presets of SRFT


class ResolvedSrft(SrftConfig):
    """SRFT with every knob set: what the method computes with and what `run.json` shows."""

    sft_entropy_sign: Literal[-1, 1]
    entropy_scope: Literal["token", "sequence", "batch"]
    advantage_std: bool
    demo_ratio: Literal["shaped", "identity"]
    self_term: Literal["signed_logp", "signed_ratio", "adv_ratio"]
    denominator: Denominator
    entropy_bonus: float


_STABLE = {
    "sft_entropy_sign": -1,
    "entropy_scope": "sequence",
    "advantage_std": True,
    "demo_ratio": "shaped",
    "self_term": "signed_ratio",
    "denominator": "shared",
    "entropy_bonus": 0.001,
}
SRFT_PRESETS: dict[str, dict[str, object]] = {
    "stable": _STABLE,
    "paper": {**_STABLE, "self_term": "signed_logp"},
    "paper_literal": {
        **_STABLE,
        "self_term": "signed_logp",
        "demo_ratio": "identity",
        "denominator": "per_stream_mean",
    },
    "hpt": {**_STABLE, "self_term": "signed_logp", "advantage_std": False, "denominator": "hpt"},
    "released": {
        **_STABLE,
        "sft_entropy_sign": 1,
        "entropy_scope": "token",
        "advantage_std": False,
        "self_term": "adv_ratio",
        "denominator": "hpt",
    },
}
"""What each preset sets (docs/srft.md has the reasons)."""


def resolve_srft(config: SrftConfig) -> ResolvedSrft:
    """The section with its preset's values where a key was left null."""
    given = {key: value for key, value in config.model_dump().items() if value is not None}
    return ResolvedSrft.model_validate({**SRFT_PRESETS[config.preset], **given})


def resolve(recipe: Recipe) -> Recipe:
    """The recipe as it will run: presets filled in. Written to `run.json`."""
    if isinstance(recipe.method, SrftConfig):
        return recipe.model_copy(update={"method": resolve_srft(recipe.method)})
    return recipe
