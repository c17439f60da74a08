"""What the settings of a call are made of before Hydra reads them."""

import itertools
import os
import re
from typing import NoReturn

from rankaae_cli.core.errors import UserError


def flags_and_settings(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Tell flags, with their values, from settings: argparse needs them first; explain what is neither.

    Raises
    ------
    UserError
        For a setting written as a flag, and a flag without its value.
    """
    if not any(argument.startswith("-") for argument in arguments):
        return [], arguments
    # Hydra takes half a second to load, which most calls can do without here.
    from hydra._internal.utils import get_args_parser

    parser = get_args_parser()
    known = parser._option_string_actions
    flags: list[str] = []
    settings: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if not argument.startswith("-"):
            settings.append(argument)
            continue
        flags.append(argument)
        name = argument.split("=", 1)[0]
        if name in known and "=" not in argument:
            choices = known[name].choices or ()
            if known[name].nargs is None or (known[name].nargs == "?" and set(waiting[:1]) & set(choices)):
                flags += waiting[:1]
                del waiting[:1]
            elif known[name].nargs == "?":  # else it would take a setting for its value
                flags[-1] = f"{name}={known[name].const}"
        elif name.startswith("--") and name not in known:
            key = name.removeprefix("--").replace("-", "_")
            raise UserError(f"unknown flag {name}: settings are written key=value, such as {key}=...")
    parser.error = _refuse_flags  # type: ignore[method-assign]
    parser.parse_args([flag for flag in flags if flag != "--version"])
    return flags, settings


def _refuse_flags(message: str) -> NoReturn:
    raise UserError(f"{message}\nsettings are written key=value, and flags as Hydra has them: --cfg job, -m")


def with_groups_appended(overrides: list[str]) -> list[str]:
    """Put the ``+`` that Hydra needs before ``family=X`` and ``experiment=X``; refuse what one job cannot be."""
    rewritten = [f"+{o}" if o.startswith(("family=", "experiment=")) else o for o in overrides]
    given = [o.split("=", 1)[1] for o in rewritten if o.startswith("+family=")]
    if len(given) > 1:
        raise UserError(
            f"more than one family in one job: {', '.join(given)}\n"
            f"train one at a time, or one job each with -m +family={','.join(given)}"
        )
    if {"-m", "--multirun"} & set(overrides):
        return rewritten
    if given and "," in given[0]:
        raise UserError(f"more than one family in one job: {given[0]}\nadd -m to make one job of each")
    for_sweeps = next((o for o in rewritten if o.startswith(("hydra/sweeper", "hydra/launcher"))), None)
    if for_sweeps and not any(o.startswith(("resume=", "+experiment=")) for o in rewritten):
        raise UserError(f"{for_sweeps} is for sweeps, and this is one job\nadd -m")
    return rewritten


def with_input(overrides: list[str]) -> list[str]:
    """Make ``input=[...]`` of the names of files among the settings of a call.

    Raises
    ------
    UserError
        Where the call has both.
    """
    is_name = ["=" not in override or os.path.lexists(override) for override in overrides]
    names = [override for override, name in zip(overrides, is_name, strict=True) if name]
    rest = [override for override, name in zip(overrides, is_name, strict=True) if not name]
    if not names:
        return overrides
    if any(override.startswith("input=") for override in rest):
        raise UserError(f"{names[0]} and input= both name what is to be compared\nleave one of them out")
    return [*rest, f"input=[{','.join(map(_quoted, names))}]"]


def _quoted(name: str) -> str:
    """Return a name as Hydra takes it for itself: backslashes are doubled before a quote alone, `${` is escaped."""
    escaped = re.sub(r"(\\+)(?='|$)", r"\1\1", name).replace("'", r"\'").replace("${", r"\${")
    return f"'{escaped}'"


def with_transfer(overrides: list[str]) -> list[str]:
    """Choose the settings for few rows where a run begins from another and the call chooses none."""
    chosen = {override.lstrip("+").partition("=")[0] for override in overrides if override != "start=null"}
    # The schema loads OmegaConf, which help does without.
    from rankaae_cli.schema import kind_of_call, schema_of

    takes = schema_of("train", kind_of_call(overrides)).__dataclass_fields__
    begins = "start" in chosen and "optimiser" in takes and "transfer" not in chosen
    return [*overrides, "transfer=few_rows"] if begins else overrides


def config_directories(overrides: list[str]) -> list[str]:
    """Return the folders of configuration that a call names."""
    joined = [o.split("=", 1)[1] for o in overrides if o.startswith("--config-dir=")]
    return joined + [b for a, b in itertools.pairwise(overrides) if a in ("--config-dir", "-cd")]
