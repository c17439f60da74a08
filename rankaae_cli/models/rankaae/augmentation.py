"""Changes of input spectra that leave their descriptors as they are.

An encoder trained to make the unchanged spectrum's styles of a changed one reads spectra whose energy calibration,
resolution or normalisation differs from that of its training data. Energies count in grid points here. Spectra come
and go in shape (T, B, E); beyond either end the edge values go on.
"""

import torch
from torch import Tensor


def shift_energy(spectra_TBE: Tensor, shift_TB: Tensor) -> Tensor:
    """Return the spectra at E - shift, by linear interpolation; shifts of shape (T, B), in grid points."""
    return _at(spectra_TBE, _grid(spectra_TBE) - shift_TB.unsqueeze(-1))


def stretch_energy(spectra_TBE: Tensor, stretch_TB: Tensor) -> Tensor:
    """Return the spectra drawn out about the middle of the grid, by a fraction of shape (T, B)."""
    grid_E = _grid(spectra_TBE)
    middle = grid_E.mean()
    return _at(spectra_TBE, middle + (grid_E - middle) / (1 + stretch_TB.unsqueeze(-1)))


def damp(spectra_TBE: Tensor, damping_TB: Tensor) -> Tensor:
    """Return mu / (1 + d (mu - 1)) of spectra normalised to the edge step; d of shape (T, B).

    As self-absorption, positive ones lower white lines and leave 0 and the edge step as they are.
    """
    return spectra_TBE / (1 + damping_TB.unsqueeze(-1) * (spectra_TBE - 1)).clamp(min=0.5)


def broaden(spectra_TBE: Tensor, sigma_T: Tensor) -> Tensor:
    """Convolve the spectra of each trial with a Gaussian.

    Parameters
    ----------
    spectra_TBE
        Shape (T, B, E).
    sigma_T
        Shape (T,): standard deviation in grid points; 0 leaves the spectra as they are.

    Notes
    -----
    The kernel sampled at whole grid points, as in `scipy.ndimage.gaussian_filter1d`. The weight that falls
    beyond an end goes to that end's value.
    """
    points = spectra_TBE.shape[-1]
    offset = torch.arange(-points, points + 1, device=spectra_TBE.device, dtype=spectra_TBE.dtype)
    # A width of 0 is the limit of a narrow kernel, whose neighbours have no weight left.
    width_T = sigma_T.clamp(min=1e-2).view(-1, 1)
    kernel_TO = torch.exp(-0.5 * (offset / width_T).square())
    kernel_TO = kernel_TO / kernel_TO.sum(-1, keepdim=True)
    cumulative_TO = kernel_TO.cumsum(-1)
    row, column = torch.meshgrid(*[torch.arange(points, device=spectra_TBE.device)] * 2, indexing="ij")
    matrix_TEE = kernel_TO[:, points + row - column]
    # From source `row` to target `column`: all weight at or beyond either end comes from that end.
    first, last = cumulative_TO[:, points - column[0]], 1 - cumulative_TO[:, 2 * points - 2 - column[0]]
    matrix_TEE[:, 0], matrix_TEE[:, -1] = first, last
    return torch.bmm(spectra_TBE, matrix_TEE)


def broaden_lorentzian(spectra_TBE: Tensor, fwhm_T: Tensor) -> Tensor:
    """Convolve the spectra of each trial with a Lorentzian.

    Parameters
    ----------
    spectra_TBE
        Shape (T, B, E).
    fwhm_T
        Shape (T,), or (1,) for all trials: full width at half maximum in grid points; 0 leaves the spectra as
        they are.

    Notes
    -----
    Each point stands for the interval of one grid step about it, and has the Lorentzian's integral over that for
    weight; so widths below a grid step are right too, and the long wings, of which much lies beyond the ends, lose
    nothing: the first and the last value go on for ever.
    """
    points = spectra_TBE.shape[-1]
    grid_E = torch.arange(points, device=spectra_TBE.device, dtype=spectra_TBE.dtype)
    bound = torch.cat([grid_E - 0.5, grid_E.new_full((1,), torch.inf)])
    bound[0] = -torch.inf
    distance = bound.view(-1, 1) - grid_E
    # The integral up to each bound, from source points (rows) to target points (columns).
    cumulative = torch.atan(2 * distance / fwhm_T.view(-1, 1, 1)) / torch.pi
    return spectra_TBE @ cumulative.diff(dim=1)


def _grid(spectra_TBE: Tensor) -> Tensor:
    return torch.arange(spectra_TBE.shape[-1], device=spectra_TBE.device, dtype=spectra_TBE.dtype)


def _at(spectra_TBE: Tensor, position_TBE: Tensor) -> Tensor:
    """Return the spectra at positions between grid points, by linear interpolation."""
    points = spectra_TBE.shape[-1]
    position_TBE = position_TBE.clamp(0, points - 1)
    below_TBE = position_TBE.floor().clamp(max=max(points - 2, 0))
    index_TBE = below_TBE.long()
    low = spectra_TBE.gather(-1, index_TBE)
    high = spectra_TBE.gather(-1, (index_TBE + 1).clamp(max=points - 1))
    return torch.lerp(low, high, position_TBE - below_TBE)
