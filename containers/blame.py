"""Decide whether an error is the submission's or ours: a missing helper file, or a missing stand-in.

Promises to doubt in the author's favour: what points at CUDA, at the image or at the tiny data is a gap of
ours. A missing module is ours when it is a published package, theirs when the folder itself should hold it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from containers.smoke_result import Missing

if TYPE_CHECKING:
    from collections.abc import Collection

    from audits.launch import LaunchPlan
    from containers.smoke_result import SmokeError

PUBLISHED = frozenset(
    (
        "accelerate aiohttp apex bitsandbytes boto3 causal_conv1d cuda cupy cutlass cv2 datasets dateutil"
        " deepspeed dotenv einops evaluate fairscale fla flash_attn flash_attn_2_cuda flash_attn_3"
        " flash_attn_interface flashinfer google gptqmodel hqq hydra ipdb ipywidgets jax jaxlib jinja2 joblib"
        " kernels liger_kernel lightning lm_eval mamba_ssm matplotlib mlx modal nltk numba nvidia omegaconf"
        " onnx openai optuna orjson pandas peft PIL plotly polars psutil pyarrow pybind11 pynvml quack ray"
        " regex requests rich runpod safetensors schedulefree scipy seaborn selective_scan_cuda sentencepiece"
        " skimage sklearn soap spacy tensorboard tensorboardX tensorflow thunderkittens tiktoken tilelang"
        " tokenizers torchao torchaudio torchinfo torchtune torchvision transformer_engine transformers"
        " triton typer ujson unsloth vllm wandb xformers xgboost xxhash yaml zstandard zstd"
    ).split()
)
"""Import names of packages that anybody can install; one that the image lacks is no fault of an author."""

_GAPS: tuple[tuple[str, str], ...] = (
    (
        "CUDA is not stood in for here",
        r"\bCUDA\b|\bcuda\b|\bcudnn\b|\bNCCL\b|\bnccl\b|nvrtc|nvcc|nvidia|\bGPU\b",
    ),
    (
        "torch has no CPU kernel for it",
        r"not implemented for '|Could not run 'aten::|not currently implemented",
    ),
    ("autocast on a CPU knows fewer types", r"at::autocast"),
    ("Triton has no interpreter for it here", r"\btriton\b|TRITON_"),
    (
        "a package of the image lacks it",
        r"module '(torch|triton|flash_attn|mlx|kernels|numpy)[\w.]*' has no attribute"
        r"|cannot import name '\w+' from '(torch|triton|flash_attn|mlx|kernels|numpy)",
    ),
)
_OUR_FILES = ("referee_inside",)
_DATA = re.compile(r"fineweb|tokenizer|\.bin\b|\.model\b|docs_selected|\bshards?\b|dataset", re.IGNORECASE)
_GAP_CLASSES = frozenset({"ShimGapError", "NotImplementedError"})
_FATAL_GAPS = frozenset({"cuda", "triton", "cpu-kernel", "cuda-compiler", "shim-error"})
"""Gaps that the box reports because of the error itself."""
_NO_MODULE = re.compile(r"No module named '([\w.]{1,200})'")
_NO_NAME = re.compile(r"cannot import name '\w{1,200}' from '([\w.]{1,200})'")


def missing_packages(plan: LaunchPlan, installed: Collection[str]) -> tuple[Missing, ...]:
    """Return the imports that the image cannot satisfy; known without running anything."""
    return tuple(
        Missing(
            package=need.package,
            ours=is_published(need.package, plan),
            declared=need.package in plan.declared,
            guarded=need.guarded,
            path=need.path,
            line=need.line,
        )
        for need in plan.needs
        if need.package not in installed
    )


def is_published(package: str, plan: LaunchPlan) -> bool:
    """Tell whether a package comes from an index rather than from the folder."""
    return package in PUBLISHED or package in sys.stdlib_module_names or package in plan.declared


def missing_module(error: SmokeError) -> str:
    """Return the top-level module that the error says is not there, else an empty string."""
    if error.kind not in ("ModuleNotFoundError", "ImportError"):
        return ""
    if error.missing_module:
        return error.missing_module
    match = _NO_MODULE.search(error.message) or _NO_NAME.search(error.message)
    return match[1].split(".")[0] if match else ""


def our_gap(
    error: SmokeError, plan: LaunchPlan, folder_modules: Collection[str], gaps: Collection[str] = ()
) -> str:
    """Return why an error is a gap of ours, else an empty string; `gaps` are those that the stage met.

    A gap that was met and survived explains nothing, so a name alone counts only for what ends a run.
    """
    module = missing_module(error)
    if module:
        if module in folder_modules:
            return ""
        return f"the image lacks the package {module}" if is_published(module, plan) else ""
    if error.kind in _GAP_CLASSES:
        return error.message[:160] or "not implemented on a CPU"
    fatal = sorted(_FATAL_GAPS & set(gaps))
    if fatal:
        return f"no stand-in for {fatal[0]}: {error.message[:160]}"
    if any(name in error.raised_in for name in _OUR_FILES):
        return f"a stand-in of ours raised {error.kind}"
    if error.kind in ("FileNotFoundError", "OSError") and _DATA.search(error.message):
        return "the tiny data set does not have the file it asks for"
    return next((why for why, sign in _GAPS if re.search(sign, error.message)), "")


def modules_of(plan: LaunchPlan) -> frozenset[str]:
    """Return the top-level names under which files of the folder can be imported."""
    return frozenset(part for path, _ in plan.files for part in path.removesuffix(".py").split("/"))


def not_in_repository(error: SmokeError, plan: LaunchPlan) -> str:
    """Return the missing file that the repository names and does not hold, else an empty string."""
    if error.kind not in ("FileNotFoundError", "OSError"):
        return ""
    absent = (entry.path for entry in plan.left_out if not entry.readable)
    return next((path for path in absent if path.rsplit("/", 1)[-1] in error.message), "")


def placed(error: SmokeError, plan: LaunchPlan) -> SmokeError:
    """Return the error with its file named as the folder has it, and the layer where it was unpacked.

    The box knows files by their last name and unpacked sources by number; the line's own text tells which.
    """
    if not error.path or error.line is None:
        return error
    if not error.path.startswith("<"):
        paths = [path for path, _ in plan.files if path.rsplit("/", 1)[-1] == error.path.rsplit("/", 1)[-1]]
        return replace(error, path=min(paths, key=len, default=error.path))
    for layer in plan.layers:
        lines = layer.source.splitlines()
        if layer.index and error.line <= len(lines) and lines[error.line - 1].strip() == error.text:
            return replace(error, path=layer.path, layer=layer.index)
    return error
