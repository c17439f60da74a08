"""The default setting against one change at a time, on validation and on test.

python -m tests.benchmarks.ablations [FAMILY_FILE] [--trials 2] [--epochs N] [--only SUBSTRING] [--output STEM]

single: Spearman's correlation, mean over the descriptors, then over the trials that did not diverge; ensemble: of
these trials together; MAE, excess and W: of the single trials, mean over them; lost: trials that diverged; ms:
milliseconds of training a trial and epoch, with validation. The csv holds the ensemble's numbers too. What the
default's other seeds differ by is noise. Choose by the validation columns; the test columns say what that choice
is worth. Two trials of everything take most of a day on one core.
"""

from rankaae_cli.data.family.family import Family
from rankaae_cli.training.task import TrainingError
from tests.benchmarks.scores import (
    Column,
    Scores,
    Table,
    append_csv,
    command_line,
    describe,
    open_family,
    program_epochs,
    split_scores,
    train,
)

# Overrides of `rankaae train`; key*=factor multiplies the default.
ABLATIONS: list[tuple[str, list[str]]] = [
    ("default", []),
    ("default, seed 1", ["seed=1"]),
    ("default, seed 2", ["seed=2"]),
    ("norm batch", ["model.norm=batch"]),
    ("norm none", ["model.norm=none"]),
    ("free styles 0", ["model.free_styles=0"]),
    ("free styles 2", ["model.free_styles=2"]),
    ("free styles 3", ["model.free_styles=3"]),
    ("free styles 8", ["model.free_styles=8"]),
    ("prior adversarial", ["objective.prior.kind=adversarial"]),
    ("prior two_step", ["objective.prior.kind=two_step"]),
    ("prior mmd", ["objective.prior.kind=mmd"]),
    ("prior none", ["objective.prior.weight=0"]),
    ("prior weight x0.3", ["objective.prior.weight*=0.3"]),
    ("prior weight x3", ["objective.prior.weight*=3"]),
    ("prior of independent styles", ["objective.prior.correlated=false"]),
    ("prior weight, ramp 0.3", ["objective.prior.ramp=0.3"]),
    ("rank unbalanced", ["objective.rank.balanced=false"]),
    ("rank weight x0.3", ["objective.rank.weight*=0.3"]),
    ("rank weight x3", ["objective.rank.weight*=3"]),
    ("mutual information 0", ["objective.mutual_information.weight=0"]),
    ("mutual information 1", ["objective.mutual_information.weight=1"]),
    ("mutual information, all styles", ["objective.mutual_information.named_only=false"]),
    ("independence 0", ["objective.independence.weight=0"]),
    ("independence x3", ["objective.independence.weight*=3"]),
    ("smoothness 0", ["objective.smoothness.weight=0"]),
    ("smoothness x10", ["objective.smoothness.weight*=10"]),
    ("input noise 0", ["objective.input_noise=0"]),
    ("input noise 0.01", ["objective.input_noise=0.01"]),
    ("input noise 0.1", ["objective.input_noise=0.1"]),
    ("steps in turn", ["objective.order=in_turn"]),
    ("reconstruction weight x0.3", ["objective.reconstruction.weight*=0.3"]),
    ("reconstruction weight x3", ["objective.reconstruction.weight*=3"]),
    ("hidden 64", ["model.hidden=64"]),
    ("hidden 128", ["model.hidden=128"]),
    ("2 layers", ["model.encoder_layers=2", "model.decoder_layers=2"]),
    ("5 layers", ["model.encoder_layers=5", "model.decoder_layers=5"]),
    ("batch 512", ["batch_size=512"]),
    ("rate 1e-3", ["optimiser.rate=1e-3"]),
    ("schedule cosine", ["optimiser.schedule=cosine"]),
    ("schedule plateau", ["optimiser.schedule=plateau"]),
    ("cnn", ["model=cnn"]),
    ("published, epochs as here", ["+experiment=published"]),
]

SIDES = ("validation", "test")
COLUMNS = [
    *(
        Column(f"{side} {key}", digits, head)
        for side in SIDES
        for key, digits, head in (
            ("single mean", 3, "single"),
            ("ensemble mean", 3, "ensemble"),
            ("single MAE", 4, "MAE"),
            ("single excess", 3, "excess"),
            ("single W", 3, "W"),
        )
    ),
    Column("lost", 0, "lost"),
    Column("ms", 1, "ms"),
]


def measure(family: Family, overrides: list[str], trials: int, epochs: int) -> Scores:
    """Train one setting; return its numbers, NaN where every trial diverged."""
    numbers = ("mean", *family.descriptor_names, "MAE", "excess", "by chance", "W")
    keys = [f"{side} {who} {what}" for side in SIDES for who in ("single", "ensemble") for what in numbers]
    row = {**dict.fromkeys((*keys, "ms"), float("nan")), "lost": float(trials)}
    try:
        training = train(family, overrides, trials, epochs)
    except TrainingError as error:
        print(f"  {error}")
        return row
    for side in SIDES:
        scores = split_scores(training.model, family, side)
        row |= {f"{side} single {what}": scores.single[what] for what in numbers}
        row |= {f"{side} ensemble {what}": scores.ensemble[what] for what in numbers}
    row["lost"] = float(sum(reason is not None for reason in training.model.failed_T))
    if row["lost"] < trials:  # else it stopped before the last epoch
        row["ms"] = training.seconds / trials / epochs * 1e3
    return row


def main() -> None:
    """Print the table, and write it as it grows."""
    parser = command_line(__doc__, trials=2)
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="settings whose name holds this")
    asked = parser.parse_args()
    chosen = [(name, overrides) for name, overrides in ABLATIONS if asked.only in name]
    if not chosen:
        parser.error(f"no setting holds {asked.only!r}; there are {'; '.join(name for name, _ in ABLATIONS)}")
    family = open_family(asked.data)
    asked.epochs = asked.epochs or program_epochs(family)
    print(f"{describe(family)} rows; {asked.trials} trials of {asked.epochs} epochs")
    table = Table(31, COLUMNS)
    width = sum(column.width for column in COLUMNS[:5]) - 2
    print(" " * table.name_width + "".join(f"  {f' {side} ':-^{width}}" for side in SIDES))
    table.print_head()
    for name, overrides in chosen:
        row = measure(family, overrides, asked.trials, asked.epochs)
        table.print_row(name, row)
        setting = {
            "setting": name,
            "overrides": " ".join(overrides),
            "trials": asked.trials,
            "epochs": asked.epochs,
        }
        append_csv(asked.output, {**setting, **row})


if __name__ == "__main__":
    main()
