"""What ``rankaae evaluate`` says of the styles: disentanglement, leakage, and what the free ones go with."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from rankaae_cli.analysis.encoded import EncodedSplit
    from rankaae_cli.core.styles.associations import Associations
    from rankaae_cli.core.styles.replication import Repeats
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel

_DRAWS = 200  # rows that give the styles which are not walked
_STRONGEST = 3  # pairs of each free style that tables show


@dataclass(frozen=True)
class Found:
    """What the free styles of the selected trial go with.

    Attributes
    ----------
    repeats
        Every pair with a quantity or descriptor; None where the model has no free style.
    summary
        As in metrics.json; None likewise.
    """

    repeats: "Repeats | None"
    summary: dict[str, Any] | None


def describe_styles(
    model: "TrainedModel",
    reading: "EncodedSplit",
    validation: "EncodedSplit",
    training: "EncodedSplit",
    seed: int,
) -> dict[str, Any]:
    """Return ``disentanglement``, ``coupling`` and ``leakage``, as in metrics.json.

    Parameters
    ----------
    model, reading
        Their reading of the split.
    validation
        Rows that the trees of DCI are fitted to. Where they are the split itself, informativeness is not known.
    training
        Rows whose styles are walked for leakage.
    seed
        Of the trees, and of the drawn rows.
    """
    return {
        "disentanglement": _disentanglement(model, reading, validation, seed),
        "coupling": _coupling(model, reading),
        "leakage": _leakage(model, training, seed),
    }


def find_associations(
    model: "TrainedModel",
    family: "Family",
    reading: "EncodedSplit",
    validation: "EncodedSplit",
    training: "EncodedSplit",
    seed: int,
) -> Found:
    """Search what the selected trial's free styles go with, and see what of it repeats.

    They are held against the family's quantities and the descriptors. The search is always on the validation
    rows; what is found has to repeat on the rows of the split, or where that is validation itself, on the
    training rows. So the test rows are read only where the test split is evaluated, and choose nothing there.
    """
    from rankaae_cli.analysis.evaluation.association_findings import association_findings, descriptor_findings
    from rankaae_cli.core.styles.associations import FLOOR
    from rankaae_cli.core.styles.replication import nearest_descriptors, repeats

    free = model.style_names[len(model.descriptor_names) :]
    if not free:
        return Found(None, None)
    again_reading = training if reading.split == validation.split else reading
    found, again = (_associations(model, family, rows, seed) for rows in (validation, again_reading))
    same_as = nearest_descriptors(
        _quantities(family, validation),
        validation.descriptors_NK,
        _quantity_names(model, family),
        model.descriptor_names,
    )
    pairs = repeats(found, again, same_as)
    on = {"found_on": validation.split, "repeated_on": again_reading.split}
    of_descriptors = descriptor_findings(pairs)
    summary = {
        "trial": int(model.selected_trial),
        "n": len(again_reading.error_N),
        "n_quantities": len(family.quantity_names),
        **on,
        "threshold": found.threshold,
        "repeat_threshold": again.threshold,
        "floor": FLOOR,
        "materials": found.materials,
        "repeat_materials": again.materials,
        "permutations": found.permutations,
        "standing_out": [asdict(pair) for pair in pairs.standing_out],
        "of_descriptors": [asdict(pair) for pair in pairs.of_descriptors],
        "strongest": [asdict(pair) for style in free for pair in pairs.of_style(style)[:_STRONGEST]],
        "findings": [
            *association_findings(pairs, free, len(family.quantity_names), on["repeated_on"]),
            *of_descriptors,
        ],
        "descriptor_findings": of_descriptors,
    }
    return Found(pairs, summary)


def _associations(
    model: "TrainedModel", family: "Family", reading: "EncodedSplit", seed: int
) -> "Associations":
    from rankaae_cli.core.styles.associations import associations

    k, styles_NS = len(model.descriptor_names), reading.styles_TNS[int(model.selected_trial)]
    return associations(
        styles_NS[:, k:],
        _quantities(family, reading),
        styles_NS[:, :k],
        reading.material_N,
        style_names=model.style_names[k:],
        quantity_names=_quantity_names(model, family),
        seed=seed,
    )


def _quantities(family: "Family", reading: "EncodedSplit") -> "np.ndarray":
    """Return the quantities, then the descriptors, of the rows of a split."""
    import numpy as np

    return np.hstack([family.quantities_NQ[reading.rows], reading.descriptors_NK])


def _quantity_names(model: "TrainedModel", family: "Family") -> list[str]:
    return [*family.quantity_names, *model.descriptor_names]


def _disentanglement(
    model: "TrainedModel", reading: "EncodedSplit", validation: "EncodedSplit", seed: int
) -> dict[str, Any]:
    """Return MIG, SAP and DCI of the selected trial, and of the ensemble, which has named styles only."""
    from rankaae_cli.core.styles.disentanglement import score_disentanglement

    def score(fit_NS: "np.ndarray", styles_NS: "np.ndarray") -> dict[str, Any]:
        return score_disentanglement(
            fit_NS,
            validation.descriptors_NK,
            styles_NS,
            reading.descriptors_NK,
            model.descriptor_names,
            model.descriptor_classes,
            seed,
            held_out=reading.split != validation.split,
        )

    t = int(model.selected_trial)
    return {
        "selected_trial": score(validation.styles_TNS[t], reading.styles_TNS[t]),
        "ensemble": score(validation.ensemble_styles_NK, reading.ensemble_styles_NK),
    }


def _coupling(model: "TrainedModel", reading: "EncodedSplit") -> dict[str, Any]:
    """Return Spearman's correlations between the selected trial's styles, and between the descriptors."""
    from rankaae_cli.core.statistics.metrics import rank_correlations

    t = int(model.selected_trial)
    return {
        "trial": t,
        "styles": list(model.style_names),
        "between_styles": rank_correlations(reading.styles_TNS[t]).tolist(),
        "between_descriptors": rank_correlations(reading.descriptors_NK).tolist(),
    }


def _leakage(model: "TrainedModel", training: "EncodedSplit", seed: int) -> dict[str, Any]:
    """Return the leakage matrix of the selected trial, and the mean over trials of that of the named styles."""
    import numpy as np
    import torch

    from rankaae_cli.analysis.evaluation.findings import leakage_findings
    from rankaae_cli.core.styles.leakage import largest_off_diagonal, leakage_matrix
    from rankaae_cli.core.styles.traversal import draw_rows

    def encode(spectra_TDE: "np.ndarray") -> "np.ndarray":
        with torch.no_grad():
            return np.asarray(model.autoencoder.encode(torch.as_tensor(spectra_TDE)).numpy())

    leakage_TSS = leakage_matrix(
        encode,
        model.decode,
        training.styles_TNS,
        draw_rows(len(training.error_N), _DRAWS, seed),
        model.style_std_TS,
    )
    k, t = len(model.descriptor_names), int(model.selected_trial)
    named_KK = leakage_TSS[training.alive_T][:, :k, :k].mean(axis=0)
    selected_SS = leakage_TSS[t]
    leakage = {
        "trial": t,
        "draws": _DRAWS,
        "styles": list(model.style_names),
        "matrix": selected_SS.tolist(),
        "largest": largest_off_diagonal(selected_SS),
        "named_mean": named_KK.tolist(),
        "named_mean_largest": largest_off_diagonal(named_KK),
        "n_trials": int(training.alive_T.sum()),
    }
    return {**leakage, "findings": leakage_findings(leakage)}
