"""``rankaae train resume=<sweep>``: the call that began a sweep, given again to run what is missing."""

from contextlib import suppress
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from rankaae_cli.core.calls import in_grammar
from rankaae_cli.core.errors import UserError, printable
from rankaae_cli.runs.sweep_record import SWEEP, read_plan
from rankaae_cli.schema.foreign import harmful

# Where and on what a job computes; anything else would make it another job.
_MAY_CHANGE = ("data", "unlabelled", "device")


def call_of_sweep(overrides: list[str]) -> list[str]:
    """Return the call that goes on with a sweep where ``resume=`` names one; else `overrides` as they are.

    Raises
    ------
    UserError
        If the sweep was begun in another folder, or the call sets what would make other jobs of its jobs.
    """
    given = next((o for o in overrides if o.startswith("resume=")), "resume=")
    with suppress(HydraException):  # which says itself what is wrong with the value
        given = str(OverridesParser.create().parse_override(given).value())
    sweep = Path(given)
    if not given or not (sweep / SWEEP).is_file():
        return overrides
    plan = read_plan(sweep)
    if plan.command != "train":
        raise UserError(
            f"{sweep} is a sweep of rankaae {plan.command}, not of train\ngive that command again"
        )
    if plan.folder != str(Path.cwd()) and Path(plan.folder).is_dir():
        raise UserError(
            f"the sweep {sweep} was begun in {plan.folder}, and paths in it hold there\n"
            "go there and resume it"
        )
    more = [o for o in overrides if not o.startswith(("resume=", "hydra.sweep.dir="))]
    changes = [o for o in more if not _is_allowed(o)]
    if changes:
        raise UserError(
            f"{sweep} goes on with the settings it was begun with, not with {' '.join(changes)}\n"
            f"of them only {', '.join(f'{key}=' for key in _MAY_CHANGE)} and hydra's may change"
        )
    own = [o for o in more if o in plan.call]
    recorded = [*plan.call, *(o for job in plan.jobs for o in job.overrides)]
    if foreign := [o for o in harmful(recorded) if o not in own]:
        raise UserError(
            f"{sweep / SWEEP} sets {printable(foreign[0])[:80]}, which no file of another's may\n"
            "add it to the call, if the sweep is your own"
        )
    flags = [o for o in more if o.startswith("-") and o not in ("-m", "--multirun")]
    settings = [o for o in more if not o.startswith("-")]
    begun = [o for o in plan.call if o not in ("-m", "--multirun") and not o.startswith("hydra.sweep.dir=")]
    return ["-m", *flags, *begun, *settings, f"hydra.sweep.dir={in_grammar(sweep.resolve())}"]


def _is_allowed(override: str) -> bool:
    key = override.partition("=")[0]
    return key in _MAY_CHANGE or key.startswith(("hydra.", "hydra/", "-"))
