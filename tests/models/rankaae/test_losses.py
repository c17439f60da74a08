import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.stats import norm
from torch.nn import functional

from rankaae_cli.models.rankaae import losses


def rank_loss_by_pairs(z_BK, d_BK, balanced, normalise):
    """The rank loss as the paper writes it: a double loop over pairs."""
    n, k = z_BK.shape
    total = 0.0
    for column in range(k):
        c = dis = 0.0
        n_c = n_d = pairs = 0
        for i in range(n):
            for j in range(n):
                sign = np.sign(d_BK[i, column] - d_BK[j, column])
                if np.isnan(sign) or sign == 0:
                    continue
                pairs += 1
                p = sign * (z_BK[i, column] - z_BK[j, column])
                if p > 0:
                    c, n_c = c + p, n_c + 1
                elif p < 0:
                    dis, n_d = dis - p, n_d + 1
        s = n_d / max(n_c, n_d, 1) if balanced else 1.0
        total += -(s * c - dis) / (max(pairs, 1) if normalise == "pairs" else n * n - n)
    return total / k


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("normalise", ["pairs", "published"])
@pytest.mark.parametrize("kind", ["continuous", "ties", "unknown", "all unknown", "constant"])
def test_rank_loss_equals_the_double_loop(balanced, normalise, kind):
    rng = np.random.default_rng(3)
    z = rng.normal(size=(2, 30, 3))
    d = rng.normal(size=(2, 30, 3))
    if kind == "ties":
        d = np.round(d)
    if kind == "unknown":
        d[:, ::3, 1] = np.nan
    if kind == "all unknown":
        d[:, :, 1] = np.nan
    if kind == "constant":
        d[:, :, 1] = 2.0
    loss = losses.rank_loss(torch.tensor(z), torch.tensor(d), balanced=balanced, normalise=normalise)
    expected = [rank_loss_by_pairs(z[t], d[t], balanced, normalise) for t in range(2)]
    np.testing.assert_allclose(loss, expected, rtol=1e-12, atol=1e-12)


def test_rank_loss_is_balanced_and_by_pairs_unless_told_otherwise():
    z, d = torch.randn(2, 2, 20, 3, dtype=torch.float64)
    d[:, :5] = torch.nan
    expected = [rank_loss_by_pairs(z[t].numpy(), d[t].numpy(), True, "pairs") for t in range(2)]
    np.testing.assert_allclose(losses.rank_loss(z, d), expected, rtol=1e-12)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("normalise", ["pairs", "published"])
def test_a_batch_of_one_row_has_no_pairs(balanced, normalise):
    row = torch.ones(2, 1, 3)
    assert losses.rank_loss(row, row, balanced=balanced, normalise=normalise).tolist() == [0, 0]


@pytest.mark.parametrize("balanced", [True, False])
def test_rank_loss_gradient_equals_finite_differences(balanced):
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(2, 12, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    d = torch.randn(2, 12, 2, generator=generator, dtype=torch.float64).round()
    assert torch.autograd.gradcheck(lambda x: losses.rank_loss(x, d, balanced=balanced), z, eps=1e-7)


def test_rank_loss_falls_as_a_style_follows_its_descriptor():
    d = torch.linspace(0, 1, 20).view(1, 20, 1)
    right, wrong = (losses.rank_loss(sign * d, d, balanced=False) for sign in (1, -1))
    assert right < 0 < wrong
    # Balanced, a style in perfect order feels no force.
    assert losses.rank_loss(d, d, balanced=True) == 0


def test_reconstruction_losses():
    generator = torch.Generator().manual_seed(0)
    out, target = torch.rand(2, 2, 5, 8, generator=generator)
    expected = [functional.mse_loss(out[t], target[t]) for t in range(2)]
    np.testing.assert_allclose(losses.reconstruction_loss(out, target), expected, rtol=1e-6)
    for t in range(2):
        rows = []
        for o, x in zip(out[t], target[t], strict=True):
            s = abs(o.mean()) / abs(x.mean())
            rows.append(0.1 * (s - 1) ** 2 + functional.mse_loss(o, x * s.clip(0.7, 1.3)))
        assert losses.scaled_reconstruction_loss(out, target)[t] == pytest.approx(
            float(sum(rows) / 5), rel=1e-5
        )


def test_scale_carries_no_gradient_in_the_second_term():
    target = torch.ones(1, 1, 4)
    out = torch.full((1, 1, 4), 1.1, requires_grad=True)
    # out equals target times its scale, so only 0.1 (s - 1)^2 pulls: d/d out_e = 0.2 (s - 1) / 4.
    losses.scaled_reconstruction_loss(out, target).sum().backward()
    np.testing.assert_allclose(out.grad, torch.full((1, 1, 4), 0.2 * 0.1 / 4), rtol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_scale_is_of_absolute_means_and_a_gradient_of_the_first_term_alone(sign):
    generator = torch.Generator().manual_seed(5)
    target = torch.rand(2, 3, 6, generator=generator, dtype=torch.float64)
    out = (1.1 * target * torch.rand(2, 3, 6, generator=generator, dtype=torch.float64)).requires_grad_()
    losses.scaled_reconstruction_loss(out, sign * target).sum().backward()
    s = out.detach().mean(-1, keepdim=True) / target.mean(-1, keepdim=True)
    residual = out.detach() - sign * target * s.clamp(0.7, 1.3)
    expected = (0.2 * (s - 1) / target.mean(-1, keepdim=True) / 6) / 3 + 2 * residual / 18
    np.testing.assert_allclose(out.grad, expected, rtol=1e-9)
    made = losses.scaled_reconstruction_loss(sign * out.detach(), target)
    np.testing.assert_allclose(made, losses.scaled_reconstruction_loss(out.detach(), sign * target))


def test_a_target_of_no_mean_has_a_scale_that_is_finite():
    out, target = torch.full((1, 1, 4), 2e-8), torch.zeros(1, 1, 4)
    assert float(losses.scaled_reconstruction_loss(out, target)) == pytest.approx(
        0.1 * (2 - 1) ** 2, rel=1e-6
    )


def test_what_is_smoothed_carries_no_gradient():
    spectra = torch.rand(2, 3, 40, dtype=torch.float64, requires_grad=True)
    losses.smoothness_loss(spectra).sum().backward()
    smooth = gaussian_filter1d(spectra.detach().numpy(), 3.0, radius=8, mode="nearest")
    np.testing.assert_allclose(
        spectra.grad, 2 * (spectra.detach().numpy() - smooth) / 120, rtol=1e-9, atol=1e-12
    )


def test_smoothness_equals_scipy():
    spectra = np.random.default_rng(0).random((1, 3, 60))
    smooth = gaussian_filter1d(spectra, 3.0, radius=8, mode="nearest")
    expected = ((spectra - smooth) ** 2).mean()
    assert float(losses.smoothness_loss(torch.tensor(spectra))) == pytest.approx(expected, rel=1e-9)


def test_adversarial_loss_is_binary_cross_entropy():
    real, encoded = torch.randn(2, 1, 9)
    logits = torch.cat([real, encoded], dim=1)
    labels = torch.cat([torch.ones(1, 9), torch.zeros(1, 9)], dim=1)
    expected = functional.binary_cross_entropy_with_logits(logits, labels)
    assert float(losses.adversarial_loss(real, encoded)) == pytest.approx(float(expected), rel=1e-6)


def test_deceiving_loss_is_cross_entropy_with_the_other_label():
    logits = torch.randn(2, 9)
    expected = functional.binary_cross_entropy_with_logits(logits, torch.ones(2, 9), reduction="none").mean(1)
    np.testing.assert_allclose(losses.deceiving_loss(logits), expected, rtol=1e-6)


def test_mmd_equals_the_double_loop_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 15, 3))

    def kernel(a, b):
        distance = ((a - b) ** 2).sum()
        return sum(c / (c + distance) for c in (6 * s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10)))

    n = len(x)
    within = sum(kernel(v[i], v[j]) for v in (x, y) for i in range(n) for j in range(n) if i != j) / (
        n * (n - 1)
    )
    across = sum(kernel(a, b) for a in x for b in y) / n**2
    ours = losses.mmd_loss(torch.tensor(x).unsqueeze(0), torch.tensor(y).unsqueeze(0))
    assert float(ours) == pytest.approx(within - 2 * across, rel=1e-9)
    assert (
        float(losses.mmd_loss(torch.tensor(x + 2).unsqueeze(0), torch.tensor(y).unsqueeze(0)))
        > float(ours) + 0.5
    )


def test_mmd_of_trials_side_by_side_is_that_of_each():
    x, y = torch.randn(2, 3, 9, 2, dtype=torch.float64)
    alone = [losses.mmd_loss(x[t : t + 1], y[t : t + 1]) for t in range(3)]
    np.testing.assert_allclose(losses.mmd_loss(x, y), torch.cat(alone), rtol=1e-9)


def test_reverse_gradient():
    x = torch.ones(3, requires_grad=True)
    (2 * losses.reverse_gradient(x, 0.5)).sum().backward()
    np.testing.assert_array_equal(x.grad, [-1.0, -1.0, -1.0])


def test_sliced_wasserstein_is_zero_for_normal_quantiles_and_known_for_a_shift():
    n = 400
    quantiles = torch.tensor(norm.ppf((np.arange(n) + 0.5) / n)).view(1, n, 1)
    direction = torch.ones(1, 1, 1, dtype=torch.float64)
    assert float(losses.sliced_wasserstein_loss(quantiles, direction)) < 1e-12
    assert float(losses.sliced_wasserstein_loss(quantiles + 0.5, direction)) == pytest.approx(0.25, abs=1e-9)


@pytest.mark.parametrize("coupling", [0.0, 0.5])
def test_sliced_wasserstein_is_the_mean_over_directions_of_each_trial_in_whatever_order(coupling):
    rng = np.random.default_rng(6)
    styles, directions = rng.normal(size=(2, 50, 3)), rng.normal(size=(2, 3, 4))
    correlation = np.eye(3) + coupling * (np.eye(3, k=1) + np.eye(3, k=-1))
    # Quantiles of each direction's own normal distribution; without a correlation, unit vectors are asked for.
    spreads = [[np.sqrt(u @ correlation @ u) if coupling else 1.0 for u in directions[t].T] for t in range(2)]
    quantiles = norm.ppf((np.arange(50) + 0.5) / 50)
    expected = [
        np.mean(
            [
                (np.sort(styles[t] @ u) - s * quantiles) ** 2
                for u, s in zip(directions[t].T, spreads[t], strict=True)
            ]
        )
        for t in range(2)
    ]
    given = [torch.tensor(correlation)] if coupling else []
    loss = losses.sliced_wasserstein_loss(torch.tensor(styles), torch.tensor(directions), *given)
    np.testing.assert_allclose(loss, expected, rtol=1e-9)


def test_sliced_wasserstein_to_a_correlated_prior_is_zero_for_its_quantiles():
    n, correlation = 400, torch.tensor([[1.0, 0.6], [0.6, 1.0]], dtype=torch.float64)
    direction = torch.tensor([0.8, 0.6], dtype=torch.float64).view(1, 2, 1)
    spread = float((direction[0].T @ correlation @ direction[0]).sqrt())
    quantiles = spread * torch.tensor(norm.ppf((np.arange(n) + 0.5) / n))
    styles = quantiles.view(1, n, 1) * direction.transpose(1, 2)
    assert float(losses.sliced_wasserstein_loss(styles, direction, correlation)) < 1e-12
    assert float(losses.sliced_wasserstein_loss(styles, direction)) > 0.01


def independence_by_correlations(free_BF, d_BK):
    """The independence loss by numpy's correlation coefficients, feature by feature."""
    k = d_BK.shape[1]
    z_BK = (d_BK - np.nanmean(d_BK, 0)) / np.nanstd(d_BK, 0)
    features = [*z_BK.T, *(z_BK[:, i] * z_BK[:, j] for i in range(k) for j in range(i, k))]
    total = 0.0
    for f, style in enumerate(free_BF.T):
        for feature in features:
            known = ~np.isnan(feature)
            spread = np.std(feature[known])
            total += np.mean(style[known] * (feature[known] - feature[known].mean()) / spread) ** 2
        total += sum(np.corrcoef(style, other)[0, 1] ** 2 for o, other in enumerate(free_BF.T) if o != f)
    return total / free_BF.shape[1]


def test_independence_equals_correlations_one_by_one():
    rng = np.random.default_rng(3)
    free = rng.normal(size=(2, 50, 3))
    free = (free - free.mean(1, keepdims=True)) / free.std(1, keepdims=True)
    d = rng.normal(size=(2, 50, 4))
    d[0, :10, 1] = np.nan
    values = losses.independence_loss(torch.tensor(free), torch.tensor(d))
    expected = [independence_by_correlations(free[t], d[t]) for t in range(2)]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
    # The descriptors of all trials are the same where the batch is.
    values = losses.independence_loss(torch.tensor(free), torch.tensor(d[:1]))
    np.testing.assert_allclose(values, [independence_by_correlations(one, d[0]) for one in free], rtol=1e-4)


@pytest.mark.parametrize(("known", "counts"), [(29, False), (30, True)])
def test_thirty_known_rows_are_enough_to_be_independent_of(known, counts):
    d = torch.full((1, 60, 1), torch.nan, dtype=torch.float64)
    d[0, :known, 0] = torch.linspace(-1, 1, known)
    style = torch.nan_to_num(d) / torch.nan_to_num(d).std(correction=0)
    assert (float(losses.independence_loss(style, d)) > 0.5) is counts


def test_independence_sees_a_copy_a_square_and_nothing():
    rng = np.random.default_rng(4)
    d, noise = rng.normal(size=(2, 4000))
    d = (d - d.mean()) / d.std()
    square = (d**2 - (d**2).mean()) / (d**2).std()
    for style, expected in ((d, 1.0), (square, 1.0), ((noise - noise.mean()) / noise.std(), 0.0)):
        value = losses.independence_loss(torch.tensor(style).view(1, -1, 1), torch.tensor(d).view(1, -1, 1))
        assert float(value) == pytest.approx(expected, abs=0.02)


def test_independence_is_left_out_where_chance_would_be_penalised():
    rng = np.random.default_rng(5)
    free, d = torch.tensor(rng.normal(size=(1, 128, 3))), torch.tensor(rng.normal(size=(1, 128, 5)))
    free = (free - free.mean(1, keepdim=True)) / free.std(1, keepdim=True)
    of_all = float(losses.independence_loss(free, d))
    assert of_all < 0.3
    d[:, 5:] = torch.nan
    between = float(losses.independence_loss(free, torch.full_like(d, torch.nan)))
    assert float(losses.independence_loss(free, d)) == between < 0.1


def test_independence_without_known_descriptors_is_zero_and_has_a_gradient():
    style = torch.randn(1, 8, 1, requires_grad=True)
    value = losses.independence_loss(style, torch.full((1, 8, 2), float("nan")))
    value.sum().backward()
    assert float(value.detach()) == 0
    assert style.grad.isfinite().all()


def test_losses_of_generated_spectra_have_their_gradients():
    out = torch.randn(2, 3, 12, dtype=torch.float64, requires_grad=True)
    target = torch.randn(2, 3, 12, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: losses.reconstruction_loss(x, target), out)
    assert torch.autograd.gradcheck(lambda x: losses.mutual_information_loss(target, x), out)
    free = torch.randn(2, 31, 2, dtype=torch.float64, requires_grad=True)
    known = torch.randn(2, 31, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: losses.independence_loss(x, known), free)


def test_mutual_information_loss_is_mean_squared_error_of_each_trial():
    a, b = torch.randn(2, 3, 6, 2)
    expected = [functional.mse_loss(a[t], b[t]) for t in range(3)]
    np.testing.assert_allclose(losses.mutual_information_loss(a, b), expected, rtol=1e-6)
