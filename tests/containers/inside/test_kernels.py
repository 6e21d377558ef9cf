"""Eager twins against autograd, and the interpreter's bfloat16 against torch's."""

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")
functional = torch.nn.functional

import numpy as np  # noqa: E402

from containers.inside.shim import triton_numbers, twins  # noqa: E402

pytestmark = pytest.mark.torch
KERNEL = '''
@jit
def scale_kernel(x_ptr, y_ptr, n, BLOCK: constexpr):
    """Doc."""
    x = load(x_ptr)  # a remark
    store(y_ptr, where(x > 0, x, {slope} * x))
'''


def twin(name):
    return next(function for (kernel, _), function in twins.TWINS.items() if kernel == name)


def test_digests_leave_out_numbers_remarks_and_decorators():
    one, numbers = twins.digest(KERNEL.format(slope=0.5))
    two, others = twins.digest(KERNEL.format(slope=0.3).replace("  # a remark", "").replace("@jit\n", ""))
    assert (one, numbers, others) == (two, [0.5], [0.3])
    assert twins.digest(KERNEL.format(slope=0.5).replace("x > 0", "x >= 0"))[0] != one


@pytest.mark.parametrize("slope", [0.5, 0.3])
def test_matmul_with_squared_leaky_relu(slope):
    torch.manual_seed(0)
    a, b = torch.randn(6, 8).bfloat16(), torch.randn(10, 8).bfloat16()
    made = {"a_desc": a, "b_desc": b, "c_desc": torch.empty(6, 10).bfloat16(), "FORWARD": True}
    made["aux_desc"] = torch.empty(6, 10).bfloat16()
    numbers = [2.0, 2 * slope**2, 2.0, 2 * slope**2, slope, slope]
    run = twin("linear_leaky_relu_square_kernel")
    run(made, numbers)
    product = (a.float() @ b.float().T).bfloat16()
    torch.testing.assert_close(made["c_desc"], product)
    expected = functional.leaky_relu(product.float(), slope) ** 2
    torch.testing.assert_close(made["aux_desc"].float(), expected, atol=2e-2, rtol=2e-2)

    pre = product.float().requires_grad_()
    grad, weight = torch.randn(6, 4).bfloat16(), torch.randn(10, 4).bfloat16()
    (functional.leaky_relu(pre, slope) ** 2).backward(grad.float() @ weight.float().T)
    back = {"a_desc": grad, "b_desc": weight, "c_desc": torch.empty(6, 10).bfloat16(), "aux_desc": product}
    run({**back, "FORWARD": False}, numbers)
    torch.testing.assert_close(back["c_desc"].float(), pre.grad, atol=5e-2, rtol=2e-2)


def test_softcapped_cross_entropy_and_its_gradient():
    torch.manual_seed(0)
    logits, targets = torch.randn(5, 40, requires_grad=True), torch.randint(0, 40, (5,))
    capped = 30.0 * torch.tanh(logits / 30.0)  # differs from 2 s sigmoid(2 x / s) - s by nothing
    losses = functional.cross_entropy(capped, targets, reduction="none")
    given = {"logits_ptr": logits.detach(), "targets_ptr": targets, "softcap": 30.0}
    given |= {"losses_ptr": torch.empty(5), "lse_ptr": torch.empty(5)}
    twin("_softcapped_ce_fwd_kernel")(given, [])
    torch.testing.assert_close(given["losses_ptr"], losses.detach(), atol=1e-5, rtol=1e-4)
    weights = torch.rand(5)
    (losses * weights).sum().backward()
    given |= {"grad_losses_ptr": weights, "grad_logits_ptr": torch.empty(5, 40)}
    twin("_softcapped_ce_bwd_kernel")(given, [])
    torch.testing.assert_close(given["grad_logits_ptr"], logits.grad, atol=1e-6, rtol=1e-4)


def test_squared_leaky_relu_by_element():
    x = torch.linspace(-2, 2, 9, requires_grad=True)
    y = functional.leaky_relu(x, 0.5) ** 2
    given = {"x_ptr": x.detach(), "y_ptr": torch.empty(9)}
    twin("_leaky_relu_sq_forward_kernel")(given, [0.0, 0.5])
    torch.testing.assert_close(given["y_ptr"], y.detach())
    y.sum().backward()
    given |= {"grad_out_ptr": torch.ones(9), "grad_in_ptr": torch.empty(9)}
    twin("_leaky_relu_sq_backward_kernel")(given, [0.0, 0.0, 0.5, 1.0, 0.5, 2.0])
    torch.testing.assert_close(given["grad_in_ptr"], x.grad)


def test_log_probabilities_of_target_and_hint():
    logits, ids = torch.randn(4, 7), torch.tensor([0, 6, 3, 2])
    out = {name: torch.empty(4) for name in ("log_p_y_out_ptr", "log_q_h_out_ptr")}
    given = {"logits_ptr": logits, "target_ids_ptr": ids, "hint_ids_ptr": ids.flip(0), "BT": 4, "V": 7, **out}
    twin("fused_log_softmax_dual_gather_kernel")(given, [])
    logs = logits.log_softmax(-1)
    torch.testing.assert_close(out["log_p_y_out_ptr"], logs[range(4), ids])
    torch.testing.assert_close(out["log_q_h_out_ptr"], logs[range(4), ids.flip(0)])


def test_a_product_with_itself():
    x, y = torch.randn(5, 3), torch.empty(5, 5)
    twin("_mmt_kernel")({"x": x, "y": y}, [])
    torch.testing.assert_close(y, x @ x.T)


def test_norms_with_and_without_a_residual():
    torch.manual_seed(0)
    x, more, scale = torch.randn(3, 8), torch.randn(3, 8), torch.rand(8)
    given = {"X_ptr": x, "Out_ptr": torch.empty(3, 8), "eps": 1e-5}
    twin("_rms_norm_fwd_kernel")(given, [])
    torch.testing.assert_close(given["Out_ptr"], functional.rms_norm(x, (8,), eps=1e-5))
    given |= {"Residual_ptr": more, "Scale_ptr": scale, "ResOut_ptr": torch.empty(3, 8)}
    twin("_residual_rms_norm_fwd_kernel")(given, [])
    torch.testing.assert_close(given["ResOut_ptr"], x + scale * more)
    torch.testing.assert_close(given["Out_ptr"], functional.rms_norm(x + scale * more, (8,), eps=1e-5))


def test_squared_leaky_relu_with_the_slope_of_the_launch():
    x = torch.linspace(-2, 2, 9)
    given = {"X_ptr": x, "Out_ptr": torch.empty(9), "NEGATIVE_SLOPE": 0.75}
    twin("_leaky_relu_squared_fwd_kernel")(given, [])
    torch.testing.assert_close(given["Out_ptr"], functional.leaky_relu(x, 0.75) ** 2)


def test_bfloat16_is_rounded_as_torch_rounds_it():
    torch.manual_seed(0)
    numbers = torch.cat((torch.randn(10_000) * 10.0 ** torch.randint(-30, 30, (10_000,)), torch.zeros(2)))
    numbers = torch.cat((numbers, torch.tensor([float("inf"), -float("inf"), 1.00390625, 1.01171875])))
    bits = numbers.bfloat16().view(torch.int16).numpy().view(np.uint16)
    assert np.array_equal(triton_numbers.rounded(numbers.numpy()), bits)
    assert np.array_equal(triton_numbers.widened(bits), numbers.bfloat16().float().numpy())
    assert np.isnan(triton_numbers.widened(triton_numbers.rounded(np.float32("nan"))))
