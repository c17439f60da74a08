"""What the free styles go with: the search for associations, and sentences about them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rankaae_cli.analysis.encoded import EncodedRun, EncodedSplit
from rankaae_cli.core.labels import is_known, listed, style_title
from rankaae_cli.core.structure.quantities import QUANTITIES
from rankaae_cli.core.styles.associations import FLOOR, Associations, associations
from rankaae_cli.core.styles.replication import Repeat, Repeats, nearest_descriptors, repeats

NO_QUANTITIES = (
    "The family file holds no further quantities of the sites, so free styles are held against the descriptors "
    "only; rankaae ingest writes quantities where it reads structures."
)
_SHOWN = 3  # of each style


def find_associations(run: EncodedRun, seed: int) -> tuple[Repeats | None, dict[str, Any] | None]:
    """Search what the selected trial's free styles go with, and see what of it repeats.

    They are held against the family's quantities and the descriptors. The search is always on the validation
    rows; what stands out has to repeat on the rows of the split, or where that is validation itself, on the
    training rows. So the test rows are read only where the test split is evaluated, and choose nothing there.

    Returns
    -------
    tuple
        Every pair with a quantity or descriptor, and the summary in metrics.json; None where the model has no free
        style.
    """
    model, family = run.model, run.family
    free = model.style_names[len(model.descriptor_names) :]
    if not free:
        return None, None
    repeated = run.training if run.split is run.validation else run.split
    search, repeat = (_associations(run, rows, seed) for rows in (run.validation, repeated))
    same_as = nearest_descriptors(
        _quantities(run, run.validation),
        run.validation.descriptors_NK,
        _quantity_names(run),
        model.descriptor_names,
    )
    pairs = repeats(search, repeat, same_as)
    of_descriptors = descriptor_findings(pairs)
    summary = {
        "trial": int(model.selected_trial),
        "n": len(repeated.error_N),
        "n_quantities": len(family.quantity_names),
        "found_on": run.validation.split,
        "repeated_on": repeated.split,
        "threshold": search.threshold,
        "repeat_threshold": repeat.threshold,
        "floor": FLOOR,
        "materials": search.materials,
        "repeat_materials": repeat.materials,
        "permutations": search.permutations,
        "standing_out": [asdict(pair) for pair in pairs.standing_out],
        "of_descriptors": [asdict(pair) for pair in pairs.of_descriptors],
        "strongest": [asdict(pair) for style in free for pair in pairs.of_style(style)[:_SHOWN]],
        "findings": [
            *association_findings(pairs, free, len(family.quantity_names), repeated.split),
            *of_descriptors,
        ],
        "descriptor_findings": of_descriptors,
    }
    return pairs, summary


def association_findings(pairs: Repeats, styles: Sequence[str], n_quantities: int, rows: str) -> list[str]:
    """Return a sentence for each free style: what stands out, or plainly that nothing does.

    Parameters
    ----------
    pairs
        Of `core.styles.replication.repeats`.
    styles
        Names of the free styles.
    n_quantities
        How many quantities, beside the descriptors, the family file holds.
    rows
        Split on which what stands out on validation has to repeat.
    """
    lines = [_of_style(style, pairs, rows) for style in styles]
    return lines if n_quantities else [*lines, NO_QUANTITIES]


def descriptor_findings(pairs: Repeats) -> list[str]:
    """Return a sentence for each association with what is, or nearly is, a named descriptor.

    It tells that the named style does not hold all of its descriptor, so it is not among what stands out.
    """
    lines = []
    for pair in pairs.of_descriptors:
        what = _named(pair.quantity)
        what += (
            " itself" if pair.quantity == pair.descriptor else f", nearly the descriptor {pair.descriptor}"
        )
        lines.append(
            f"{style_title(pair.style)} goes with {what}, partial ρ {_values(pair)}: "
            f"the style {pair.descriptor} does not hold all of its descriptor"
        )
    return lines


def association_summary(associations: Mapping[str, Any]) -> list[str]:
    """Return `association_findings` in fewer lines: of free styles where nothing stands out one for all.

    Parameters
    ----------
    associations
        ``associations`` of metrics.json.
    """
    of_descriptors = list(associations.get("descriptor_findings", ()))
    if associations["standing_out"]:
        stand_out = {style_title(pair["style"]) for pair in associations["standing_out"]}
        lines = [line for line in associations["findings"] if line.split(":")[0] in stand_out]
        return [*lines, *of_descriptors]
    known = [pair for pair in associations["strongest"] if is_known(_searched(pair))]
    if not known:
        return ["free styles: what they go with is not known, too few spectra"]
    new = [pair for pair in known if not pair.get("descriptor")]
    top = max(new or known, key=lambda pair: abs(_searched(pair)))
    threshold = associations["threshold"]
    limit = max(threshold, associations["floor"]) if is_known(threshold) else associations["floor"]
    value = _searched(top)
    most = f"{style_title(top['style'])} with {_named(top['quantity'])}, partial ρ {_signed(value)}"
    if abs(value) > limit and "repeats" in top:
        reason = _why_not(most, bool(top["repeats"]), top["partial"], associations["repeated_on"])
    else:
        reason = f"largest: {most}; needed: above {limit:.3f}"
    return [f"free styles: nothing stands out ({reason})", *of_descriptors]


def _associations(run: EncodedRun, rows: EncodedSplit, seed: int) -> Associations:
    k, styles_NS = len(run.model.descriptor_names), rows.styles_TNS[run.model.selected_trial]
    return associations(
        styles_NS[:, k:],
        _quantities(run, rows),
        styles_NS[:, :k],
        rows.material_N,
        style_names=run.model.style_names[k:],
        quantity_names=_quantity_names(run),
        seed=seed,
    )


def _quantities(run: EncodedRun, rows: EncodedSplit) -> np.ndarray:
    """Return the quantities, then the descriptors, of the rows of a split."""
    return np.hstack([run.family.quantities_NQ[rows.rows], rows.descriptors_NK])


def _quantity_names(run: EncodedRun) -> list[str]:
    return [*run.family.quantity_names, *run.model.descriptor_names]


def _of_style(style: str, pairs: Repeats, rows: str) -> str:
    known = [pair for pair in pairs.of_style(style) if is_known(pair.found_partial)]
    name = style_title(style)
    if not known:
        return f"{name}: not known, too few spectra"
    out = [pair for pair in known if pair.stands_out]
    if out:
        verb = "stands" if len(out) == 1 else "stand"
        named = [f"{_named(pair.quantity)}, partial ρ {_values(pair)}" for pair in out[:_SHOWN]]
        more = f", and {len(out) - _SHOWN} more," if len(out) > _SHOWN else ""
        return f"{name}: {listed(named)}{more} {verb} out on validation and again on {rows}"
    new = [pair for pair in known if pair.descriptor is None]
    top = (new or known)[0]
    most = f"{_named(top.quantity)}, partial ρ {_signed(top.found_partial)}"
    if abs(top.found_partial) > pairs.limit:
        return f"{name}: nothing stands out ({_why_not(most, top.repeats, top.partial, rows)})"
    return f"{name}: nothing stands out (largest: {most}; needed: above {pairs.limit:.3f})"


def _why_not(most: str, repeated: bool, again: float | None, rows: str) -> str:
    """Return why a pair that stands out on validation does not in the end."""
    if repeated:
        return "but for a descriptor, see below"
    return f"{most} on validation, does not repeat on {rows}: {_signed(again)}"


def _values(pair: Repeat) -> str:
    """Return a partial correlation where it repeats, that of the search, and what to mind about its sign."""
    text = f"{_signed(pair.partial)} (validation {_signed(pair.found_partial)}"
    if pair.sign_changes:
        text += (
            f"; the plain ρ {_signed(pair.spearman)} is of the other sign, so it shows only with the named "
        )
        text += "styles held fixed"
    return f"{text})"


def _searched(pair: Mapping[str, Any]) -> Any:
    # Evaluations of earlier versions have one set of rows.
    return pair.get("found_partial", pair["partial"])


def _named(quantity: str) -> str:
    label = QUANTITIES[quantity].label if quantity in QUANTITIES else quantity
    return label if quantity in label else f"{label} ({quantity})"


def _signed(value: float | None) -> str:
    return f"{value:.3f}".replace("-", "−") if is_known(value) else "not known"
