"""The table of recipes that are none: what was given, and the whole sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.error_table import ErrorCase

GOOD = """{
  // what to train
  "model": {"path": "model"},
  "data": {"path": "data.jsonl"},
}
"""

EVALUATION = '"evaluation": {"data": {"path": "d"}}'


@dataclass(frozen=True)
class Refusal(ErrorCase):
    content: str | bytes = GOOD
    overrides: tuple[tuple[str, str], ...] = field(default=())


def with_line(line: str) -> str:
    """The good recipe with one more line, its fifth."""
    return GOOD.replace('jsonl"},\n', f'jsonl"}},\n  {line}\n')


REFUSALS = [
    Refusal(
        "empty",
        "an empty file",
        'recipe.srft.json: the recipe is empty; begin with {"model": {"path": …}, "data": {"path": …}}.',
        b" \n",
    ),
    Refusal(
        "binary",
        "a binary file",
        "recipe.srft.json: this is a binary file, not a recipe; name a JSON file.",
        b"PK\x03\x04\x00\x00",
    ),
    Refusal("utf-16", "UTF-16", "recipe.srft.json: the recipe is UTF-16; save it as UTF-8.", GOOD.encode("utf-16")),
    Refusal(
        "latin-1",
        "Latin-1",
        "recipe.srft.json:5: byte 0xe9 is not UTF-8; save the recipe as UTF-8.",
        with_line('"name": "é"').encode("latin-1"),
    ),
    Refusal(
        "huge",
        "a file of 2 MB",
        "recipe.srft.json: the file has 2000000 bytes, more than a recipe's 1 MiB; name a recipe.",
        b" " * 2_000_000,
    ),
    Refusal(
        "not an object",
        "a list",
        "recipe.srft.json:1: the recipe is not a JSON object; begin with { and end with }.",
        "[1]",
    ),
    Refusal(
        "no comma",
        "a missing comma",
        'recipe.srft.json:2: `"` stands where a comma or `}` should; add the comma.',
        '{"model": {}\n"data": {}}',
    ),
    Refusal(
        "cut",
        "a file cut short",
        "recipe.srft.json:2: the file ends before a `}`; complete the JSON.",
        '{"model": {"path": "m"},\n',
    ),
    Refusal(
        "cut in value",
        "a file that ends after a colon",
        "recipe.srft.json:1: the file ends where a value should stand; complete the JSON.",
        '{"model":',
    ),
    Refusal(
        "bare word",
        "Python's True",
        "recipe.srft.json:5: `True` is no JSON value; write texts in double quotes, and true, false or null in "
        "lower case.",
        with_line('"deterministic": True'),
    ),
    Refusal(
        "nan",
        "NaN",
        "recipe.srft.json:5: `NaN` is no JSON value; write texts in double quotes, and true, false or null in "
        "lower case.",
        with_line('"seed": NaN'),
    ),
    Refusal(
        "infinite",
        "1e999",
        "recipe.srft.json:5: the number 1e999 is too large; write a smaller number.",
        with_line('"seed": 1e999'),
    ),
    Refusal(
        "many digits",
        "a number of 500 digits",
        "recipe.srft.json:5: a number of 500 digits; write a smaller number.",
        with_line(f'"seed": {"9" * 500}'),
    ),
    Refusal(
        "single quotes",
        "single quotes",
        "recipe.srft.json:1: `'` stands where a key should begin; write keys in double quotes.",
        "{'model': 1}",
    ),
    Refusal(
        "open text",
        "a text without its closing quote",
        'recipe.srft.json:5: a text is not closed on its line; close it with "; a line break inside is written \\n.',
        with_line('"name": "a'),
    ),
    Refusal(
        "escape",
        "a Windows path with single backslashes",
        'recipe.srft.json:5: the text "C:\\models" has a wrong escape; write a backslash as \\\\.',
        with_line('"name": "C:\\models"'),
    ),
    Refusal(
        "open comment",
        "an unclosed comment",
        "recipe.srft.json:5: the comment opened here is never closed; close it with */.",
        with_line("/* later"),
    ),
    Refusal(
        "trailing",
        "two objects",
        "recipe.srft.json:6: text follows the end of the JSON value; keep one JSON object in the file.",
        GOOD + "{}",
    ),
    Refusal(
        "deep",
        "a list nested 200 deep",
        "recipe.srft.json:5: the JSON is nested deeper than 100 levels; flatten it.",
        with_line('"name": ' + "[" * 200),
    ),
    Refusal(
        "duplicate",
        "a key twice",
        "recipe.srft.json:5: the key `data` stood already on line 4; keep one of the two.",
        with_line('"data": {"path": "b"}'),
    ),
    Refusal(
        "unknown",
        "an unknown key",
        "recipe.srft.json:5: `rewards` is no option; write `reward`, the nearest known key.",
        with_line('"rewards": {}'),
    ),
    Refusal(
        "unknown inside",
        "an unknown key in a section",
        "recipe.srft.json:5: `method.rollout` is no option of `method`; write `rollouts`, the nearest known key.",
        with_line('"method": {"kind": "grpo", "rollout": 4}'),
    ),
    Refusal(
        "elsewhere",
        "a key in the wrong section",
        "recipe.srft.json:5: `max_rounds` is no option; move it to `method.dynamic_sampling.max_rounds`.",
        with_line('"max_rounds": 3'),
    ),
    Refusal(
        "nonsense",
        "a key near to none",
        "recipe.srft.json:5: `recording.zzz` is no option of `recording`; remove it; known here: max_gb, share_beyond.",
        with_line('"recording": {"zzz": 1}'),
    ),
    Refusal(
        "missing",
        "no model path",
        "recipe.srft.json:1: `model.path` is missing; add it (A folder in Hugging Face layout (safetensors), "
        "relative to the recipe, or a Hub id such as Qwen/Qwen3-0.6B).",
        '{"model": {}, "data": {"path": "d"}}',
    ),
    Refusal(
        "missing section",
        "no data",
        "recipe.srft.json: `data` is missing; add it (The training problems).",
        '{"model": {"path": "m"}}',
    ),
    Refusal(
        "type",
        "a number in quotes",
        'recipe.srft.json:5: `training.steps` is "500", which is a text; write a whole number.',
        with_line('"training": {"steps": "500"}'),
    ),
    Refusal(
        "fraction",
        "a fraction for a whole number",
        "recipe.srft.json:5: `training.steps` is 1.5, which is a number; write a whole number.",
        with_line('"training": {"steps": 1.5}'),
    ),
    Refusal(
        "section",
        "a number for a section",
        "recipe.srft.json:5: `model` is 3, which is a whole number; write an object in { }.",
        GOOD.replace("{\n  //", "{\n\n\n//").replace('{"path": "model"}', "3"),
    ),
    Refusal(
        "bool",
        "1 for true",
        "recipe.srft.json:5: `deterministic` is 1, which is a whole number; write true or false.",
        with_line('"deterministic": 1'),
    ),
    Refusal(
        "null",
        "null where a value is needed",
        "recipe.srft.json:5: `rollouts.temperature` is null; write a number.",
        with_line('"rollouts": {"temperature": null}'),
    ),
    Refusal(
        "nullable",
        "a text for a nullable number",
        'recipe.srft.json:5: `optimiser.clip` is "no", which is a text; write a number or null.',
        with_line('"optimiser": {"clip": "no"}'),
    ),
    Refusal(
        "range",
        "a number out of range",
        "recipe.srft.json:5: `rollouts.top_p` is 1.5; give a number above 0 and at most 1.",
        with_line('"rollouts": {"top_p": 1.5}'),
    ),
    Refusal(
        "seed",
        "a seed beyond 63 bits",
        "recipe.srft.json:5: `seed` is 9007199254740992; give a number of at least 0 and below 2^53.",
        with_line(f'"seed": {2**53}'),
    ),
    Refusal(
        "pair",
        "three think tags",
        "recipe.srft.json:5: `prompt.think_tags` has 3 items; give exactly 2 items.",
        with_line('"prompt": {"think_tags": ["a", "b", "c"]}'),
    ),
    Refusal(
        "no parts",
        "no rewards",
        "recipe.srft.json:5: `reward.parts` has 0 items; give at least 1 item.",
        with_line('"reward": {"parts": []}'),
    ),
    Refusal(
        "choice",
        "an unknown choice",
        'recipe.srft.json:5: `model.device` is "gpu"; write one of "auto", "cpu", "cuda", "mps".',
        '{"data": {"path": "d"},\n\n\n"model": {"path": "m",\n"device": "gpu"}}',
    ),
    Refusal(
        "kind",
        "an unknown method",
        'recipe.srft.json:5: `method.kind` is "gpro"; write "grpo", the nearest of "srft", "sft", "grpo", '
        '"luffy", "sft_rl".',
        with_line('"method": {"kind": "gpro"}'),
    ),
    Refusal(
        "no kind",
        "a method without kind",
        'recipe.srft.json:5: `method` has no `kind`; add one of "srft", "sft", "grpo", "luffy", "sft_rl".',
        with_line('"method": {"rollouts": 4}'),
    ),
    Refusal(
        "part kind",
        "an unknown reward",
        'recipe.srft.json:5: `reward.parts.0.kind` is "maths"; write "math", the nearest of "exact", "regex", '
        '"math", "steps", "python".',
        with_line('"reward": {"parts": [{"kind": "maths"}]}'),
    ),
    Refusal(
        "other method's key",
        "a key of another method",
        'recipe.srft.json:5: `method.kl` is no option of `method`; remove it, or set `method.kind` to "grpo", '
        "which has it.",
        with_line('"method": {"kind": "srft", "kl": 0.1}'),
    ),
    Refusal(
        "mapping",
        "an unknown ready mapping",
        'recipe.srft.json:1: `data.columns` is "openr1"; write "openr1_math".',
        '{"model": {"path": "m"}, "data": {"path": "d", "columns": "openr1"}}',
    ),
    Refusal(
        "column",
        "a number for a column",
        "recipe.srft.json:1: `data.columns.prompt` is 3, which is a whole number; write a text in double quotes.",
        '{"model": {"path": "m"}, "data": {"path": "d", "columns": {"prompt": 3}}}',
    ),
    Refusal(
        "name",
        "a name with a slash",
        'recipe.srft.json:5: `name` is "a/b"; write letters, digits, dots, dashes, underscores and spaces, at '
        "most 80, the first a letter or digit.",
        with_line('"name": "a/b"'),
    ),
    Refusal(
        "date",
        "a date in words",
        'recipe.srft.json:5: `prompt.date` is "today"; write a date like 2026-01-01.',
        with_line('"prompt": {"date": "today"}'),
    ),
    Refusal(
        "remote code",
        "trust_remote_code",
        "recipe.srft.json:1: `model.trust_remote_code` is true; it can only be false.",
        '{"model": {"path": "m", "trust_remote_code": true}, "data": {"path": "d"}}',
    ),
    Refusal(
        "phases",
        "an SFT phase as long as the run",
        "recipe.srft.json:5: method.sft_steps is 100 but training.steps is 100; leave steps for the second phase.",
        with_line('"method": {"kind": "sft_rl", "sft_steps": 100}, "training": {"steps": 100}'),
    ),
    Refusal(
        "greedy",
        "greedy rollouts",
        "recipe.srft.json:5: rollouts.temperature is 0, so all rollouts of a group are equal and nothing can be "
        "learned; set it above 0 (1.0 is usual).",
        with_line('"rollouts": {"temperature": 0}'),
    ),
    Refusal(
        "buffer",
        "an overlong buffer longer than a response",
        "recipe.srft.json:5: reward.overlong_buffer is 64 but rollouts.max_tokens is 64; make the buffer shorter.",
        with_line('"reward": {"overlong_buffer": 64}, "rollouts": {"max_tokens": 64}'),
    ),
    Refusal(
        "same names",
        "two rewards of one name",
        "recipe.srft.json:5: reward.parts has more than one part named `exact`; give it another `name`.",
        with_line('"reward": {"parts": [{"kind": "exact"}, {"kind": "exact"}]}'),
    ),
    Refusal(
        "no day",
        "a date that is no day",
        "recipe.srft.json:5: prompt.date is 2026-02-30, which is no day; write a day like 2026-01-01.",
        with_line('"prompt": {"date": "2026-02-30"}'),
    ),
    Refusal(
        "tags",
        "equal think tags",
        'recipe.srft.json:5: prompt.think_tags are "<t>" and "<t>"; give two texts that are not empty, neither '
        "inside the other.",
        with_line('"prompt": {"think_tags": ["<t>", "<t>"]}'),
    ),
    Refusal(
        "beta",
        "a beta of 1",
        "recipe.srft.json:5: `optimiser.betas.1` is 1; give a number below 1.0.",
        with_line('"optimiser": {"betas": [0.9, 1]}'),
    ),
    Refusal(
        "unreachable",
        "weights too small for correct_at",
        "recipe.srft.json:5: reward.correct_at is 1.0 but the weights sum to 0.5, so no response could count as "
        "right; lower it or raise a weight.",
        with_line('"reward": {"parts": [{"kind": "exact", "weight": 0.5}, {"kind": "steps", "weight": -1}]}'),
    ),
    Refusal(
        "equal samples",
        "greedy samples in an evaluation",
        "recipe.srft.json:5: evaluation.sampling.temperature is 0 but evaluation.samples is 4, which would all "
        "be equal; set the temperature above 0, or evaluation.samples to 0 (there is always one greedy answer).",
        with_line('"evaluation": {"data": {"path": "d"}, "samples": 4, "sampling": {"temperature": 0}}'),
    ),
    Refusal(
        "probes without evaluation",
        "probes without an evaluation",
        "recipe.srft.json:5: `probes` is set but evaluation is null, and probes are asked together with its problems; "
        "add `evaluation`, or set probes to null.",
        with_line('"probes": {}'),
    ),
    Refusal(
        "evaluation set to null",
        "--set evaluation=null in a recipe with probes",
        "recipe.srft.json:5: `probes` is set but evaluation is null, and probes are asked together with its problems; "
        "add `evaluation`, or set probes to null.",
        with_line('"probes": {}, "evaluation": {"data": {"path": "d"}}'),
        (("evaluation", "null"),),
    ),
    Refusal(
        "equal probes",
        "several greedy answers to a probe",
        "recipe.srft.json:5: probes.sampling.temperature is 0 but probes.samples is 2, which would all be equal; set "
        "the temperature above 0, or probes.samples to 1.",
        with_line(f'{EVALUATION}, "probes": {{"samples": 2, "sampling": {{"temperature": 0}}}}'),
    ),
    Refusal(
        "probe twice",
        "a probe twice",
        "recipe.srft.json:5: probes.ids names `a` twice; name each problem once.",
        with_line(f'{EVALUATION}, "probes": {{"ids": ["a", "b", "a"]}}'),
    ),
    Refusal(
        "many probes",
        "65 probes",
        "recipe.srft.json:5: `probes.ids` has 65 items; give at most 64 items.",
        with_line(f'{EVALUATION}, "probes": {{"ids": {json.dumps([str(number) for number in range(65)])}}}'),
    ),
    Refusal(
        "no probes",
        "an empty list of probes",
        "recipe.srft.json:5: `probes.ids` has 0 items; give at least 1 item.",
        with_line(f'{EVALUATION}, "probes": {{"ids": []}}'),
    ),
    Refusal(
        "probe by number",
        "a number for a probe's id",
        "recipe.srft.json:5: `probes.ids.0` is 7, which is a whole number; write a text in double quotes.",
        with_line(f'{EVALUATION}, "probes": {{"ids": [7]}}'),
    ),
    Refusal(
        "set value",
        "--set with a wrong value",
        '--set training.steps=many: `training.steps` is "many", which is a text; write a whole number.',
        GOOD,
        (("training.steps", "many"),),
    ),
    Refusal(
        "set key",
        "--set with an unknown key",
        "--set trainin.steps=5: `trainin` is no option; write `training`, the nearest known key.",
        GOOD,
        (("trainin.steps", "5"),),
    ),
    Refusal(
        "set path",
        "--set with a dot too many",
        "--set training..steps=5: `training..steps` is no key path; write it like training.steps=5.",
        GOOD,
        (("training..steps", "5"),),
    ),
    Refusal(
        "set through text",
        "--set into a text",
        '--set model.path.x=5: `model.path` is "model" and has no keys inside; set it to an object.',
        GOOD,
        (("model.path.x", "5"),),
    ),
    Refusal(
        "set item",
        "--set beyond the end of a list",
        "--set reward.parts.1.weight=2: `reward.parts` is a list of 1, and `1` is no place in it; give a number "
        "from 0 to 0.",
        with_line('"reward": {"parts": [{"kind": "exact"}]}'),
        (("reward.parts.1.weight", "2"),),
    ),
]
