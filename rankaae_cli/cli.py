"""The command table and the hand-over to Hydra; imports nothing heavy."""

import gc
import importlib
import importlib.resources
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.commands.usage.overrides import (
    config_directories,
    flags_and_settings,
    with_groups_appended,
    with_input,
    with_transfer,
)
from rankaae_cli.core.errors import Stopped, UserError, concise, nearest
from rankaae_cli.runs.shipped import shipped_models

if TYPE_CHECKING:
    from omegaconf import DictConfig

DONE, FAILED, WRONG_CALL, INTERRUPTED = 0, 1, 2, 130
_CONFIG = "rankaae_cli.conf"
_NAME_A_MODEL = ("predict", "models")


@dataclass(frozen=True)
class Command:
    """One row of the command table."""

    does: str
    example: str
    needs_family: bool = False


COMMANDS = {
    "ingest": Command(
        "read FEFF folders, CSV or npz files into one family file",
        "rankaae ingest +family=Cu_oxides source=feff path=feff.tar.xz",
        needs_family=True,
    ),
    "train": Command(
        "train a rank-constrained adversarial autoencoder",
        "rankaae train +family=Fe_oxides trials=4",
        needs_family=True,
    ),
    "evaluate": Command(
        "numbers of a run on a split, trials ranked", "rankaae evaluate run=latest split=test"
    ),
    "traverse": Command("the spectrum's response to each style", "rankaae traverse run=latest"),
    "report": Command(
        "one page with figures and tables of a run, or of many", "rankaae report run=multirun/DATE/TIME"
    ),
    "align": Command(
        "energy offset between a code and a beamline, or two codes",
        "rankaae align 'references={Cu2O.xdi:1,CuO.xdi:2}'",
    ),
    "predict": Command(
        "descriptors of new spectra, with intervals", "rankaae predict model=Cu_oxides input=CuO.xdi"
    ),
    "compare": Command(
        "how well codes agree, whether a family is sound", "rankaae compare cu_feff.h5 cu_vasp.h5"
    ),
    "models": Command("the models that ship, ready to predict with", "rankaae models model=Cu_oxides"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    0: done; 1: the run failed; 2: the call or the input is wrong; 128 + n: stopped in order by signal n.
    """
    if arguments is None:  # a process of its own
        # What is loaded stays: looking through it for garbage, as it grows, takes a tenth of the start.
        gc.disable()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if answer := _answer(arguments):
        print(answer)
        return DONE
    try:
        command, overrides = arguments[0], arguments[1:]
        if command not in COMMANDS:
            raise UserError(f"unknown command {command!r}: {nearest(command, COMMANDS)}")
        flags, settings = flags_and_settings(overrides)
        if command == "compare":
            settings = with_input(settings)
        return _run_under_hydra(command, with_groups_appended(flags + settings), overrides)
    except BrokenPipeError:
        return _closed_pipe()
    except Stopped as stopped:
        print(f"rankaae: {stopped}", file=sys.stderr)
        return stopped.status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        return _report(error, arguments[0], arguments[1:])


def register() -> None:
    """Make the schemas, sweepers and launchers known to Hydra."""
    import hydra_plugins.rankaae
    from rankaae_cli import schema
    from rankaae_cli.schema.foreign import register_checked_files

    schema.register()
    hydra_plugins.rankaae.register()
    register_checked_files()


def options(group: str, directories: Sequence[str] = ()) -> list[str]:
    """Return the options of a configuration group: those that ship, and those in its folder below `directories`."""
    from pathlib import Path

    folders = [importlib.resources.files(_CONFIG) / group, *(Path(d) / group for d in directories)]
    return sorted(
        {
            f.name[:-5]
            for folder in folders
            if folder.is_dir()
            for f in folder.iterdir()
            if f.name[-5:] == ".yaml"
        }
    )


def families(directories: Sequence[str] = ()) -> list[str]:
    """Return the names of the shipped families and of those in ``family/`` below `directories`."""
    return options("family", directories)


def _answer(arguments: Sequence[str]) -> str:
    """Return what a call without a command asks for; nothing of one with a command."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return _usage()
    if arguments[0] in ("-V", "--version"):
        return f"rankaae {__version__}"
    if arguments[0] == "--completion":
        from rankaae_cli.commands.usage.completion import bash_completion

        return bash_completion(COMMANDS)
    return ""


def _usage() -> str:
    lines = ["rankaae: structure-spectrum relationships in X-ray absorption spectra", ""]
    lines += ["usage: rankaae COMMAND [key=value ...]", ""]
    for name, command in COMMANDS.items():
        lines += [f"  {name:<10}{command.does}", f"  {'':<10}    {command.example}"]
    lines += [
        "",
        "rankaae COMMAND --help     the keys of a command and examples",
        "rankaae COMMAND --cfg job  the whole configuration that a call would use",
        'eval "$(rankaae --completion)"  makes bash complete commands and settings',
        f"families: {', '.join(families())}",
        f"models that ship: {', '.join(shipped_models())}",
    ]
    return "\n".join(lines)


def _run_under_hydra(command: str, overrides: list[str], typed: list[str]) -> int:
    import hydra

    from rankaae_cli.sweeps.resume import call_of_sweep
    from rankaae_cli.sweeps.sweeper import JobsFailed

    register()
    if command in _NAME_A_MODEL:
        # Hydra knows model= as the group of networks that are trained.
        overrides = [re.sub(r"^\+*model=", "model.name=", override) for override in overrides]
    if command == "predict":
        overrides = [re.sub(r"^\+*measured=(?!\{)", "measured.file=", override) for override in overrides]
    if command == "train":
        overrides = with_transfer(call_of_sweep(overrides))
    # Hydra's own help knows no meanings: ours is a job, which gets the configuration as any other does.
    asks_help = bool({"--help", "-h"} & set(overrides))
    if asks_help:
        overrides = [o for o in overrides if o not in ("--help", "-h", "--multirun", "-m")]
    job = _Job(command, overrides, typed, asks_help)

    before = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = ["rankaae", *overrides]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors instead of printing them itself.
    try:
        hydra.main(version_base="1.3", config_path=f"pkg://{_CONFIG}", config_name=command)(job)()
    except SystemExit as exit_:
        # argparse leaves so, having printed what was wrong.
        return exit_.code if isinstance(exit_.code, int) else DONE
    except JobsFailed:
        return FAILED
    finally:
        sys.argv = before[0]
        if before[1] is None:
            del os.environ["HYDRA_FULL_ERROR"]
    return job.status


@dataclass
class _Job:
    """What Hydra calls with a configuration, once or for every job of a sweep; launchers send it elsewhere.

    Attributes
    ----------
    command, overrides, typed
        Of the call, as Hydra takes it, and as it was written.
    asks_help
        Show the help instead.
    status
        Exit status, after the call.
    process, folder
        Of the call.
    """

    command: str
    overrides: list[str]
    typed: list[str]
    asks_help: bool
    status: int = DONE
    process: int = field(default_factory=os.getpid)
    folder: str = field(default_factory=os.getcwd)

    def __call__(self, cfg: "DictConfig") -> float | None:
        from rankaae_cli.runs.sweep_record import is_sweep
        from rankaae_cli.sweeps.job import Origin, run_job

        if self.asks_help:
            self._help(cfg)
            return None
        if is_sweep():
            origin = Origin(self.process, self.folder, self.overrides)
            return run_job(self._run, self._explain, cfg, origin)
        sys.argv = ["rankaae", *self.typed]  # what pages and provenance call the command
        try:
            result = self._run(cfg)
        except BrokenPipeError:
            self.status = _closed_pipe()
            return None
        except Exception as error:
            # Left to Hydra, it would come with lines of its own.
            self.status = _report(error, self.command, self.overrides)
            return None
        self.status = int(result.get("status", DONE))
        return float(result["score"]) if "score" in result else None

    def _help(self, cfg: "DictConfig") -> None:
        from rankaae_cli.commands.usage.help import help_text

        directories = config_directories(self.overrides)
        text = help_text(self.command, cfg, lambda group: options(group, directories))
        try:
            print(text, flush=True)
        except BrokenPipeError:
            self.status = _closed_pipe()

    def _run(self, cfg: "DictConfig") -> dict[str, Any]:
        return _run_command(self.command, cfg, self.overrides)

    def _explain(self, error: Exception) -> str:
        return _explained(error, self.command, self.overrides)[1]


def _closed_pipe() -> int:
    """Return success where the reader of the output, such as head, has closed the pipe."""
    # Nothing is left to be flushed into the pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _run_command(command: str, cfg: "DictConfig", overrides: list[str]) -> dict[str, Any]:
    from omegaconf import OmegaConf

    from rankaae_cli.schema import schema_of
    from rankaae_cli.schema.numbers import require_possible_numbers

    # Hydra lets +key=value past the schema that it composed from; this merge does not.
    plain = OmegaConf.to_container(cfg)
    schema = schema_of(command, cfg.get("kind"))
    cfg = OmegaConf.merge(OmegaConf.structured(schema), plain)  # type: ignore[assignment]
    from_data = cfg.get("data") if getattr(schema, "joins_families", False) else None
    of_run = cfg.get("resume") or cfg.get("start") or from_data
    if COMMANDS[command].needs_family and cfg.family is None and of_run is None:
        known = ", ".join(families(config_directories(overrides)))
        raise UserError(f"rankaae {command} needs a family: add +family=NAME, one of\n{known}")
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        keys = ", ".join(f"{key}=" for key in missing)
        raise UserError(f"rankaae {command} needs {keys}\nsee rankaae {command} --help")
    require_possible_numbers(command, cfg)
    run: Callable[[Any], dict[str, Any]] = importlib.import_module(f"rankaae_cli.commands.{command}").run
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    return run(cfg)


def _report(error: Exception, command: str, overrides: list[str]) -> int:
    """Print what went wrong on standard error; return the exit status."""
    if os.environ.get("RANKAAE_DEBUG") == "1":
        traceback.print_exception(error)
    status, message = _explained(error, command, overrides)
    print(f"rankaae: {concise(message)}", file=sys.stderr)
    return status


def _explained(error: Exception, command: str, overrides: list[str]) -> tuple[int, str]:
    """Return the exit status and the message for an error."""
    if isinstance(error, UserError):
        return WRONG_CALL, str(error)
    # Hydra is not loaded before there is an error of it to explain.
    from rankaae_cli.commands.usage.call_errors import call_error_message

    directories = config_directories(overrides)
    explained = call_error_message(error, command, overrides, lambda group: options(group, directories))
    if explained:
        return WRONG_CALL, explained
    message = f"{command} failed: {type(error).__name__}: {error}\nset RANKAAE_DEBUG=1 to see where"
    return FAILED, message
