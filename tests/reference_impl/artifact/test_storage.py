"""Rounding within its bound, GPTQ and clipping better than neither, files read back to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from reference_impl.artifact import container  # noqa: E402
from reference_impl.artifact.calibrate import collect_hessians, write_text  # noqa: E402
from reference_impl.artifact.container import (  # noqa: E402
    COMPRESSORS,
    HEADER,
    MAGIC,
    ArtifactError,
    compress,
    decompress,
    load_artifact,
    pack_artifact,
    unpack_artifact,
)
from reference_impl.artifact.qat import set_rounding  # noqa: E402
from reference_impl.artifact.quantise import (  # noqa: E402
    QuantisedTensor,
    bits_of,
    dequantise_state,
    quantise_matrix,
    quantise_state,
)
from reference_impl.config import QuantConfig  # noqa: E402
from reference_impl.model.linear import CastedLinear, fake_quantise  # noqa: E402
from tests.reference_impl.small import BOS, VOCAB, make_config, make_model, make_tokens  # noqa: E402

pytestmark = pytest.mark.torch


@given(
    bits=st.integers(5, 8),
    rows=st.integers(1, 5),
    columns=st.integers(1, 40),
    size=st.floats(1e-3, 1e3),
    seed=st.integers(0, 2**32),
)
def test_rounding_errs_by_half_a_step_at_most(
    bits: int, rows: int, columns: int, size: float, seed: int
) -> None:
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * size
    stored = quantise_matrix(weight, bits, QuantConfig())
    assert int(stored.values.abs().max()) <= 2 ** (bits - 1) - 1
    step = stored.scales.float()[:, None]
    # The scale is rounded to fp16, whose steps do not shrink below its normal numbers: the largest value may
    # lie a little beyond the grid.
    bound = step / 2 + 2 ** (bits - 1) * (step * 2.0**-10).clamp_min(2.0**-25)
    assert bool(((stored.dequantise() - weight).abs() <= bound).all())


def test_more_bits_err_less() -> None:
    weight = torch.randn(16, 64)
    errors = [
        float((quantise_matrix(weight, bits, QuantConfig()).dequantise() - weight).square().sum())
        for bits in (5, 6, 7, 8)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 20 * errors[3]


def test_rows_of_zeros_stay_zeros() -> None:
    assert quantise_matrix(torch.zeros(3, 8), 6, QuantConfig()).dequantise().abs().max() == 0.0


def test_each_class_of_tensor_has_its_bits() -> None:
    config = make_config(
        {"bigram_buckets": 50, "bigram_dim": 8},
        quant={"attn_bits": 5, "mlp_bits": 6, "embed_bits": 7, "other_bits": 8},
    )
    model = make_model({"bigram_buckets": 50, "bigram_dim": 8})
    stored = quantise_state(model.state_dict(), config.quant)
    bits = {name: t.bits for name, t in stored.items() if isinstance(t, QuantisedTensor)}
    assert bits["blocks.0.attn.qkv.weight"] == bits["blocks.3.attn.proj.weight"] == 5
    assert bits["blocks.0.mlp.fc.weight"] == 6
    assert bits["tok_emb.weight"] == bits["bigram.table.weight"] == 7
    assert bits["bigram.proj.weight"] == 8
    assert bits_of("blocks.0.attn.q_gain", config.quant) == 0
    assert "blocks.0.resid_mix" not in bits


def test_the_clip_search_errs_less_on_rows_with_outliers() -> None:
    weight = torch.randn(32, 2048)
    weight[:, 0] = 9.0
    plain = quantise_matrix(weight, 5, QuantConfig()).dequantise()
    searched = quantise_matrix(weight, 5, QuantConfig(clip_search=True)).dequantise()
    row_error = (searched - weight).square().sum(1), (plain - weight).square().sum(1)
    assert bool((row_error[0] <= row_error[1] + 1e-4).all())
    assert row_error[0].sum() < 0.9 * row_error[1].sum()


def test_sigma_clipping_clips_there() -> None:
    weight = torch.randn(4, 500)
    stored = quantise_matrix(weight, 6, QuantConfig(clip_sigmas=2.0))
    limit = 2.0 * weight.std(dim=1, correction=0)
    assert torch.allclose(stored.dequantise().abs().amax(dim=1), limit, rtol=2e-3)


def test_a_wide_grid_is_coarse_and_compresses_better() -> None:
    weight = torch.randn(64, 512)
    plain, wide = (quantise_matrix(weight, 6, QuantConfig(clip_sigmas=k)) for k in (0.0, 12.0))
    sizes = [len(compress(t.values.numpy().tobytes(), "zstd")) for t in (plain, wide)]
    assert sizes[1] < 0.8 * sizes[0]
    assert torch.allclose(wide.scales.float(), weight.std(dim=1, correction=0) * 12 / 31, rtol=1e-3)


def test_gptq_errs_less_in_the_output() -> None:
    inputs = torch.randn(400, 32) @ torch.randn(32, 32)
    weight = torch.randn(24, 32)
    hessian = inputs.T @ inputs / len(inputs)

    def output_error(stored: QuantisedTensor) -> float:
        return float((inputs @ (stored.dequantise() - weight).T).square().mean())

    nearest = output_error(quantise_matrix(weight, 5, QuantConfig()))
    assert output_error(quantise_matrix(weight, 5, QuantConfig(), hessian)) < 0.7 * nearest


def test_gptq_with_unrelated_inputs_rounds_to_nearest() -> None:
    weight = torch.randn(8, 300)
    fed = quantise_matrix(weight, 6, QuantConfig(), torch.eye(300))
    assert torch.equal(fed.values, quantise_matrix(weight, 6, QuantConfig()).values)


def test_hessians_are_the_second_moments_of_inputs() -> None:
    model = make_model({"core_start": 1, "core_end": 3, "passes": 2})
    seen: list[torch.Tensor] = []
    fc = model.blocks[1].mlp.fc
    fc.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
    batches = [make_tokens(), make_tokens(seed=1)]
    hessians = collect_hessians(model, iter(batches), lambda: True)
    x = torch.cat(seen).flatten(0, 1)
    assert len(seen) == 4  # two batches, two passes
    assert torch.allclose(hessians["blocks.1.mlp.fc.weight"], x.T @ x / len(x), atol=1e-5)
    linear = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, CastedLinear)}
    assert set(hessians) == linear | {"tok_emb.weight"}


def test_calibration_stops_when_time_is_up() -> None:
    read: list[int] = []

    def batches() -> object:
        for number in range(5):
            read.append(number)
            yield make_tokens()

    collect_hessians(make_model(), batches(), lambda: len(read) < 2)
    assert read == [0, 1]


def test_self_written_text_is_the_models_own() -> None:
    model = make_model({"logit_softcap": 30.0})
    text = write_text(model, 3, 12, seed=5)
    assert text.shape == (3, 12)
    assert bool((text[:, 0] == BOS).all())
    assert 0 <= int(text.min()) <= int(text.max()) < VOCAB
    assert torch.equal(text, write_text(model, 3, 12, seed=5))
    assert not torch.equal(text, write_text(model, 3, 12, seed=6))


def test_late_training_rounds_to_the_stored_weights() -> None:
    """What QAT trains is what the artifact holds, for rows that are clipped nowhere."""
    model = make_model()
    config = make_config(quant={"attn_bits": 5, "mlp_bits": 6}).quant
    assert set_rounding(model, config, True) == 16
    layer = model.blocks[0].mlp.fc
    assert layer.qat_bits == 6
    stored = quantise_matrix(layer.weight, 6, config).dequantise()
    assert torch.allclose(fake_quantise(layer.weight, 6).detach(), stored, atol=1e-6)
    set_rounding(model, config, False)
    assert layer.qat_bits == 0


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_files_are_equal_for_equal_input_and_read_back_to_the_bit(compressor: str, tmp_path: Path) -> None:
    config = make_config(quant={"compressor": compressor, "mlp_bits": 5})
    stored = quantise_state(make_model().state_dict(), config.quant)
    blob = pack_artifact(stored, config, "cd" * 32)
    assert blob == pack_artifact(stored, config, "cd" * 32)
    again, _ = unpack_artifact(blob)
    assert list(again) == list(stored)
    for name, tensor in stored.items():
        assert torch.equal(tensor.values, again[name].values)
        assert torch.equal(tensor.dequantise(), again[name].dequantise())
    assert set(dequantise_state(again)) == set(stored)


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_decoding_makes_no_more_than_the_header_says(compressor: str) -> None:
    bomb = compress(b"\0" * 4_000_000, compressor)
    with pytest.raises(ArtifactError, match="length"):
        decompress(bomb, compressor, 1000)
    assert decompress(compress(b"abc" * 99, compressor), compressor, 297) == b"abc" * 99


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.rgolf"
    stored = quantise_state(make_model().state_dict(), QuantConfig())
    blob = pack_artifact(stored, make_config(), "")
    huge = HEADER.pack(MAGIC, 0, container.MAX_RAW_BYTES + 1, 0) + blob[HEADER.size :]
    flipped = bytearray(blob)
    flipped[len(blob) // 2] ^= 0xFF
    for damaged in (b"", b"not ours" * 9, blob[:-9], huge, bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError):
            load_artifact(path)
