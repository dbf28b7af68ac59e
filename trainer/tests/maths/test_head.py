"""The loss head against float64: values within 1e-4, gradients within 1e-3, for every kind of head and any chunking."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srft.maths import head_tiles
from srft.maths.head import LoraHead, token_statistics

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
NAMES = ("hidden_NH", "weight_VH", "bias_V", "a_RH", "b_VR")
ALL_IN_ONE = 2**25


@dataclass(frozen=True, kw_only=True)
class Case:
    """A head with its inputs; `trained` names the tensors that require gradients."""

    hidden_NH: Tensor
    weight_VH: Tensor
    targets_N: Tensor
    bias_V: Tensor | None = None
    a_RH: Tensor | None = None
    b_VR: Tensor | None = None
    scale: float = 0.5
    temperature: float = 1.0
    trained: tuple[str, ...] = ("hidden_NH",)

    def leaves(self, dtype: torch.dtype | None = None) -> Case:
        """Fresh leaf tensors; of another type if one is named."""
        tensors = {name: tensor for name in NAMES if (tensor := getattr(self, name)) is not None}
        fresh = {
            name: tensor.detach().to(dtype or tensor.dtype).clone().requires_grad_(name in self.trained)
            for name, tensor in tensors.items()
        }
        return replace(self, **fresh)

    def statistics(self, *, chunk_bytes: int = ALL_IN_ONE, entropy_gradient: bool = True) -> tuple[Tensor, Tensor]:
        """What is tested."""
        lora = None
        if self.a_RH is not None and self.b_VR is not None:
            lora = LoraHead(a_RH=self.a_RH, b_VR=self.b_VR, scale=self.scale)
        return token_statistics(
            self.hidden_NH,
            self.weight_VH,
            self.targets_N,
            bias_V=self.bias_V,
            lora=lora,
            temperature=self.temperature,
            entropy_gradient=entropy_gradient,
            chunk_bytes=chunk_bytes,
        )

    def plain_statistics(self) -> tuple[Tensor, Tensor]:
        """The definition, with everything of size [N, V]."""
        weight_VH = self.weight_VH
        if self.a_RH is not None and self.b_VR is not None:
            weight_VH = weight_VH + self.scale * self.b_VR @ self.a_RH
        logits_NV = self.hidden_NH @ weight_VH.t()
        if self.bias_V is not None:
            logits_NV = logits_NV + self.bias_V
        logprobs_NV = (logits_NV / self.temperature).log_softmax(-1)
        entropy_N = -(logprobs_NV.exp() * logprobs_NV).sum(-1)
        return logprobs_NV.gather(1, self.targets_N[:, None])[:, 0], entropy_N

    def gradients(self) -> dict[str, Tensor]:
        """Of the trained tensors, after backward; one that was not reached is missing."""
        return {name: grad for name in self.trained if (grad := getattr(self, name).grad) is not None}


def make_case(
    tokens: int = 9,
    hidden: int = 6,
    vocabulary: int = 23,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    adapter_dtype: torch.dtype | None = None,
    bias: bool = False,
    rank: int = 0,
    spread: float = 1.0,
    temperature: float = 1.0,
    trained: tuple[str, ...] = NAMES,
    device: str = "cpu",
) -> Case:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, of: torch.dtype = dtype) -> Tensor:
        return torch.randn(shape, generator=generator).to(device, of)

    adapter_dtype = adapter_dtype or dtype
    present = {"hidden_NH", "weight_VH"} | ({"bias_V"} if bias else set()) | ({"a_RH", "b_VR"} if rank else set())
    return Case(
        hidden_NH=normal(tokens, hidden) * spread,
        weight_VH=normal(vocabulary, hidden),
        targets_N=torch.randint(0, vocabulary, (tokens,), generator=generator).to(device),
        bias_V=normal(vocabulary) if bias else None,
        a_RH=normal(rank, hidden, of=adapter_dtype) if rank else None,
        b_VR=normal(vocabulary, rank, of=adapter_dtype) if rank else None,
        temperature=temperature,
        trained=tuple(name for name in trained if name in present),
    ).leaves()


def objective(statistics: tuple[Tensor, Tensor], *, of_logprob: float, of_entropy: float) -> Tensor:
    """A different weight for every token, so that no token can hide behind another."""
    logprob_N, entropy_N = statistics
    weights_N = torch.linspace(-1.0, 2.0, len(logprob_N), dtype=logprob_N.dtype, device=logprob_N.device)
    total = logprob_N.new_zeros(())
    if of_logprob:
        total = total + of_logprob * (weights_N * logprob_N).sum()
    if of_entropy:
        total = total + of_entropy * (weights_N.flip(0) * entropy_N).sum()
    return total


def assert_gradients_close(case: Case, exact: Case, *, relative: float = 1e-3) -> None:
    """Norm of the error against the norm of the exact gradient, beyond the one rounding to the input's own type."""
    gradients, exact_gradients = case.gradients(), exact.gradients()
    assert gradients.keys() == exact_gradients.keys()
    for name, gradient in gradients.items():
        wanted = exact_gradients[name]
        assert gradient.dtype == getattr(case, name).dtype
        rounding = (wanted.to(gradient.dtype).double() - wanted).norm()
        error = (gradient.double() - wanted).norm()
        assert error <= relative * wanted.norm() + 1.5 * rounding + 1e-6, name


def check(case: Case, *, chunk_bytes: int, of_logprob: float = 1.0, of_entropy: float = 1.0) -> None:
    exact = case.leaves(torch.float64)
    statistics, plain = case.statistics(chunk_bytes=chunk_bytes), exact.plain_statistics()
    for value_N, exact_N in zip(statistics, plain, strict=True):
        assert value_N.dtype == (torch.float64 if case.hidden_NH.dtype == torch.float64 else torch.float32)
        torch.testing.assert_close(value_N.double(), exact_N, atol=1e-4, rtol=0)
    if case.trained:
        objective(statistics, of_logprob=of_logprob, of_entropy=of_entropy).backward()
        objective(plain, of_logprob=of_logprob, of_entropy=of_entropy).backward()
        assert_gradients_close(case, exact)


TRAINED = [
    ("hidden_NH",),
    ("weight_VH",),
    ("hidden_NH", "weight_VH", "bias_V"),
    ("hidden_NH", "a_RH", "b_VR"),
    ("a_RH",),
    ("b_VR", "bias_V"),
    NAMES,
    (),
]


@settings(max_examples=150, derandomize=True)
@given(
    tokens=st.integers(0, 20),
    hidden=st.integers(1, 12),
    vocabulary=st.integers(1, 60),
    seed=st.integers(0, 1000),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16, torch.float64]),
    adapter_dtype=st.sampled_from([None, torch.float32]),
    bias=st.booleans(),
    rank=st.integers(0, 3),
    trained=st.sampled_from(TRAINED),
    temperature=st.sampled_from([1.0, 0.6, 1.7]),
    chunk_bytes=st.sampled_from([1, 16, 200, 1000, 4000, ALL_IN_ONE]),
    weights=st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, 0.3)]),
)
def test_any_head_agrees_with_float64(
    tokens, hidden, vocabulary, seed, dtype, adapter_dtype, bias, rank, trained, temperature, chunk_bytes, weights
):
    case = make_case(
        tokens,
        hidden,
        vocabulary,
        seed=seed,
        dtype=dtype,
        adapter_dtype=adapter_dtype,
        bias=bias,
        rank=rank,
        temperature=temperature,
        trained=trained,
    )
    check(case, chunk_bytes=chunk_bytes, of_logprob=weights[0], of_entropy=weights[1])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("chunk_bytes", [2**16, ALL_IN_ONE])
def test_a_real_width_agrees_with_float64(device, dtype, chunk_bytes):
    check(make_case(60, 96, 3000, dtype=dtype, spread=0.5, rank=4, bias=True, device=device), chunk_bytes=chunk_bytes)


@pytest.mark.parametrize("chunk_bytes", [8, 300, ALL_IN_ONE])
def test_finite_differences(chunk_bytes):
    case = make_case(4, 3, 7, dtype=torch.float64, rank=2, bias=True, temperature=0.8)
    tensors = [getattr(case, name) for name in NAMES]
    assert torch.autograd.gradcheck(
        lambda *tensors: replace(case, **dict(zip(NAMES, tensors, strict=True))).statistics(chunk_bytes=chunk_bytes),
        tensors,
    )


@pytest.mark.parametrize("chunk_bytes", [1, 64, 700, 2000, 5000])
def test_chunking_changes_nothing(chunk_bytes):
    whole, cut = make_case(30, 8, 50, rank=2, bias=True), make_case(30, 8, 50, rank=2, bias=True)
    for case, size in ((whole, ALL_IN_ONE), (cut, chunk_bytes)):
        objective(case.statistics(chunk_bytes=size), of_logprob=1, of_entropy=1).backward()
    torch.testing.assert_close(cut.gradients(), whole.gradients(), atol=2e-5, rtol=2e-5)
    torch.testing.assert_close(cut.statistics(chunk_bytes=chunk_bytes), whole.statistics(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("chunk_bytes", [300, ALL_IN_ONE])
@pytest.mark.parametrize(
    ("bias", "rank", "trained"),
    [(False, 0, NAMES[:1]), (True, 0, NAMES[:1]), (False, 2, NAMES[:1]), (False, 2, NAMES)],
)
def test_detached_entropy_leaves_the_gradient_of_the_log_probability(dtype, chunk_bytes, bias, rank, trained):
    case = make_case(dtype=dtype, temperature=0.7, bias=bias, rank=rank, trained=trained)
    exact = case.leaves(torch.float64)
    statistics = case.statistics(chunk_bytes=chunk_bytes, entropy_gradient=False)
    assert not statistics[1].requires_grad
    torch.testing.assert_close(statistics[1].double(), exact.plain_statistics()[1], atol=1e-4, rtol=0)
    objective(statistics, of_logprob=1, of_entropy=0).backward()
    objective(exact.plain_statistics(), of_logprob=1, of_entropy=0).backward()
    assert_gradients_close(case, exact)


@pytest.mark.parametrize("chunk_bytes", [300, ALL_IN_ONE])
def test_a_tied_weight_collects_both_its_gradients(chunk_bytes):
    case = make_case(trained=("weight_VH",))
    exact = case.leaves(torch.float64)
    for one, statistics in (
        (case, lambda tied: tied.statistics(chunk_bytes=chunk_bytes)),
        (exact, Case.plain_statistics),
    ):
        embedded_NH = one.weight_VH[one.targets_N.flip(0)].tanh()
        objective(statistics(replace(one, hidden_NH=embedded_NH)), of_logprob=1, of_entropy=1).backward()
    assert_gradients_close(case, exact)


@pytest.mark.parametrize("chunk_bytes", [300, ALL_IN_ONE])
@pytest.mark.parametrize("entropy_gradient", [True, False])
def test_used_twice_gradients_add_up(chunk_bytes, entropy_gradient):
    once, twice = make_case(trained=("hidden_NH",)), make_case(trained=("hidden_NH",))
    for case, times in ((once, 1), (twice, 2)):
        statistics = case.statistics(chunk_bytes=chunk_bytes, entropy_gradient=entropy_gradient)
        for _ in range(times):
            objective(statistics, of_logprob=1, of_entropy=float(entropy_gradient)).backward(retain_graph=True)
    torch.testing.assert_close(twice.gradients()["hidden_NH"], 2 * once.gradients()["hidden_NH"])


@pytest.mark.parametrize("chunk_bytes", [64, ALL_IN_ONE])
@pytest.mark.parametrize("target", [3, 4])
def test_a_peaked_distribution_has_entropy_zero_and_finite_gradients(chunk_bytes, target):
    weight_VH = torch.zeros(40, 2)
    weight_VH[3, 0] = 1000.0
    case = Case(
        hidden_NH=torch.ones(5, 2),
        weight_VH=weight_VH,
        targets_N=torch.full((5,), target),
        trained=("hidden_NH", "weight_VH"),
    ).leaves()
    logprob_N, entropy_N = case.statistics(chunk_bytes=chunk_bytes)
    assert entropy_N.tolist() == [0.0] * 5
    torch.testing.assert_close(logprob_N, torch.full((5,), 0.0 if target == 3 else -1000.0))
    (logprob_N + entropy_N).sum().backward()
    assert all(gradient.isfinite().all() for gradient in case.gradients().values())


@pytest.mark.parametrize("chunk_bytes", [64, ALL_IN_ONE])
def test_a_uniform_distribution_has_the_logarithm_of_the_vocabulary(chunk_bytes):
    case = replace(make_case(vocabulary=37), weight_VH=torch.zeros(37, 6))
    logprob_N, entropy_N = case.statistics(chunk_bytes=chunk_bytes)
    torch.testing.assert_close(logprob_N, torch.full((9,), -math.log(37)))
    torch.testing.assert_close(entropy_N, torch.full((9,), math.log(37)))


@settings(max_examples=30, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    spread=st.sampled_from([1e-3, 1.0, 30.0, 1000.0]),
    chunk_bytes=st.sampled_from([500, ALL_IN_ONE]),
)
def test_log_probabilities_are_never_positive_and_entropies_never_negative(seed, spread, chunk_bytes):
    logprob_N, entropy_N = make_case(seed=seed, spread=spread).statistics(chunk_bytes=chunk_bytes)
    assert (logprob_N <= 0).all()
    assert (entropy_N >= 0).all()


@pytest.mark.parametrize("chunk_bytes", [300, ALL_IN_ONE])
def test_a_target_outside_the_vocabulary_gives_no_number(chunk_bytes):
    case = make_case()
    targets_N = case.targets_N.clone()
    targets_N[2], targets_N[5] = -100, 23
    logprob_N, entropy_N = replace(case, targets_N=targets_N).statistics(chunk_bytes=chunk_bytes)
    assert logprob_N.isnan().nonzero().flatten().tolist() == [2, 5]
    assert entropy_N.isfinite().all()


@pytest.mark.parametrize("chunk_bytes", [300, ALL_IN_ONE])
def test_autocast_does_not_reach_inside(chunk_bytes):
    plain, cast = make_case(rank=2, bias=True), make_case(rank=2, bias=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        statistics = cast.statistics(chunk_bytes=chunk_bytes)
        objective(statistics, of_logprob=1, of_entropy=1).backward()
    objective(plain.statistics(chunk_bytes=chunk_bytes), of_logprob=1, of_entropy=1).backward()
    torch.testing.assert_close(statistics, plain.statistics(chunk_bytes=chunk_bytes), atol=0, rtol=0)
    torch.testing.assert_close(cast.gradients(), plain.gradients(), atol=0, rtol=0)


def test_a_16_bit_weight_sums_its_gradient_in_float32():
    # 4,096 equal summands: a bfloat16 sum would stop growing after some 256 of them.
    tokens = 4096
    case = Case(
        hidden_NH=torch.ones(tokens, 1, dtype=torch.bfloat16),
        weight_VH=torch.zeros(2, 1, dtype=torch.bfloat16),
        targets_N=torch.zeros(tokens, dtype=torch.int64),
        trained=("weight_VH",),
    ).leaves()
    case.statistics(chunk_bytes=64)[0].sum().backward()
    assert case.gradients()["weight_VH"].flatten().tolist() == [tokens / 2, -tokens / 2]


def test_products_of_two_bfloat16_matrices_lose_nothing(monkeypatch):
    # On CUDA the factors stay bfloat16 and the product is float32; here its one CUDA-only call is done in float32.
    monkeypatch.setattr(head_tiles, "_wide_product", lambda left, right, dtype: left.to(dtype) @ right.to(dtype))
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(20, 50, generator=generator), torch.randn(50, 30, generator=generator).bfloat16()
    total = torch.ones(20, 30)
    head_tiles.add_product(total, left, right, factor=0.5)
    torch.testing.assert_close(total, 1 + 0.5 * left @ right.float(), atol=1e-4, rtol=1e-4)
    head_tiles.add_product(total.zero_(), left.bfloat16(), right)
    torch.testing.assert_close(total, left.bfloat16().float() @ right.float())


@settings(max_examples=300, derandomize=True)
@given(tokens=st.integers(0, 5000), vocabulary=st.integers(1, 200_000), chunk_bytes=st.integers(1, 2**27))
def test_tiles_cover_everything_once_and_stay_within_the_chunk(tokens, vocabulary, chunk_bytes):
    tiling = head_tiles.Tiling.of(tokens, vocabulary, 4, max(chunk_bytes, tokens * vocabulary // 500))
    chunks, slices = list(tiling.chunks()), list(tiling.slices())
    for pieces, length in ((chunks, tokens), (slices, vocabulary)):
        edges = [0, *(piece.stop for piece in pieces)]
        assert [piece.start for piece in pieces] == edges[:-1]
        assert edges[-1] == length
        assert edges == sorted(set(edges))
    largest = (
        max((rows.stop - rows.start) * (columns.stop - columns.start) for rows in chunks for columns in slices)
        if tokens
        else 0
    )
    assert largest <= tiling.tile_size
    assert 4 * tiling.tile_size <= max(chunk_bytes, tokens * vocabulary // 500, 4)
    assert not tiling.keeps_logits or len(slices) == 1


class LargestTensor(TorchDispatchMode):
    """Records the largest number of elements any operation returned."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


@pytest.mark.parametrize("entropy_gradient", [True, False])
def test_nothing_larger_than_a_chunk_exists(entropy_gradient):
    tokens, vocabulary, chunk_elements = 64, 500, 4000
    case = make_case(tokens, 4, vocabulary, trained=("hidden_NH", "weight_VH") if entropy_gradient else ("hidden_NH",))
    with LargestTensor() as largest:
        statistics = case.statistics(chunk_bytes=4 * chunk_elements, entropy_gradient=entropy_gradient)
        objective(statistics, of_logprob=1, of_entropy=float(entropy_gradient)).backward()
    assert 0 < largest.elements <= chunk_elements < tokens * vocabulary


@pytest.mark.parametrize(("temperature", "chunk_bytes"), [(0.0, 100), (-1.0, 100), (1.0, 0)])
def test_impossible_settings_are_refused(temperature, chunk_bytes):
    with pytest.raises(ValueError, match="must be positive"):
        replace(make_case(), temperature=temperature).statistics(chunk_bytes=chunk_bytes)
