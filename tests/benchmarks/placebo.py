"""A descriptor that means nothing: whether traversals say so.

python -m tests.benchmarks.placebo [FAMILY_FILE] [--draws 10] [--descriptor NAME] [--trials 2] [--output STEM]

In each draw the materials exchange their values of one descriptor at random, and a network is trained on that. By
draw are printed: Spearman's correlation of the placebo's style with it on training, validation and test rows, the
share of energies at which its sensitivity is significant, whether it is read, how many of the others are (which
shows that the training was long enough to tell), and the largest slope. The placebo should be "not read" in all
draws but one in a hundred, with 10 % of energies significant in the mean of ten at most.

In few epochs the encoder learns random values of training rows by heart, and which epoch is kept depends on the
validation rows. So no test rests on training rows, and the verdict on test rows alone: see `core.styles.slopes`.
"""

from dataclasses import replace

import numpy as np

from rankaae_cli.analysis.encoded import encode_split
from rankaae_cli.analysis.traversal.check import HELD_OUT, read_sample
from rankaae_cli.analysis.traversal.findings import NOT_READ, not_read_because
from rankaae_cli.analysis.traversal.slopes import describe_sensitivity, readings, sensitivity
from rankaae_cli.core.statistics.bootstrap import permuted_rows
from rankaae_cli.core.statistics.metrics import spearman
from rankaae_cli.core.styles.ensemble import ensemble_spectra
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS
from tests.benchmarks.scores import (
    Column,
    Scores,
    Table,
    append_csv,
    batches,
    command_line,
    describe,
    open_family,
    train,
    train_config,
)

STEPS = 600
COLUMNS = [
    *(Column(f"rho {split}", 2, split) for split in SPLITS),
    Column("significant", 3, "significant"),
    Column("read", 0, "read"),
    Column("others read", 0, "others read"),
    Column("largest", 3, "slope"),
]


def with_placebo(family: Family, descriptor: int, seed: int) -> Family:
    """Return the family with the values of a descriptor exchanged between materials at random."""
    (rows,) = permuted_rows(family.material_N, 1, np.random.default_rng(seed))
    values_NK = np.array(family.descriptors_NK)
    values_NK[:, descriptor] = values_NK[rows, descriptor]
    # The truth is that of the old values.
    return replace(family, descriptors_NK=values_NK, true_response_KE=None)


def measure(family: Family, name: str, trials: int, epochs: int, seed: int) -> Scores:
    """Train on a family; return what a traversal says of one descriptor."""
    model = train(family, [f"seed={seed}"], trials, epochs).model
    k = model.descriptor_names.index(name)
    sample = read_sample(model, family, HELD_OUT)
    decoded_NE = ensemble_spectra(model.decode(sample.styles_TNS), model.alive_T)
    slopes = describe_sensitivity(model, k, sample, sensitivity(model, k, sample, decoded_NE, seed))
    rho = {}
    for split in SPLITS:
        encoded = encode_split(model, family, split)
        rho[f"rho {split}"] = spearman(encoded.ensemble_indicators_NK[:, k], encoded.descriptors_NK[:, k])
    reading = readings(model, family, seed)
    read = [not_read_because({"reading": reading[each]}) is None for each in model.descriptor_names]
    return {
        **rho,
        "significant": slopes.get("significant_share", float("nan")),
        "read": float(read[k]),
        "others read": float(sum(read) - read[k]),
        "largest": slopes.get("largest", float("nan")),
    }


def main() -> None:
    """Print the table, and write it as it grows."""
    parser = command_line(__doc__, trials=2)
    parser.add_argument("--draws", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--descriptor", default="OS", help="to be a placebo (default: %(default)s)")
    asked = parser.parse_args()
    family = open_family(asked.data)
    if asked.descriptor not in family.descriptor_names:
        parser.error(f"no descriptor {asked.descriptor}; there are {', '.join(family.descriptor_names)}")
    k = family.descriptor_names.index(asked.descriptor)
    epochs = asked.epochs or max(1, STEPS // batches(family, train_config(family).batch_size))
    print(f"{describe(family)} rows; {asked.trials} trials of {epochs} epochs; placebo {asked.descriptor}")
    table = Table(20, COLUMNS)
    table.print_head()
    rows = []
    for draw in range(asked.draws):
        row = measure(with_placebo(family, k, draw), asked.descriptor, asked.trials, epochs, draw)
        table.print_row(f"draw {draw}, {'read' if row['read'] else NOT_READ}", row)
        append_csv(asked.output, {"descriptor": asked.descriptor, "draw": draw, **row})
        rows.append(row)
    share = float(np.mean([row["significant"] for row in rows]))
    unread = sum(not row["read"] for row in rows)
    print(f"{unread} of {len(rows)} draws not read; {100 * share:.1f} % of energies significant")


if __name__ == "__main__":
    main()
