"""Configuration that others may have written: run directories, folders of configuration, records of sweeps.

Hydra and Lightning make whatever classes a configuration names, run what it tells of logging and callbacks, and
look things up in the environment. Of all that, only what `require_harmless` lets through is taken from a file; what
the call itself says is the user's own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins import file_config_source
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ValueType
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError, printable
from rankaae_cli.data.yaml_text import open_yaml

_LOGGERS = re.compile(r"(pytorch_lightning|lightning\.pytorch)\.loggers\.\w+")
_PLUGINS = re.compile(r"hydra_plugins\.[\w.]+")
# What a file may say to Hydra; a launcher's and a sweeper's settings must be `_PLAIN` too.
_TO_HYDRA = re.compile(r"run\.dir|sweep\.(dir|subdir)|job\.name|mode|sweeper\.params")
_SWEPT = re.compile(r"sweeper\.params\.(.+)")
_OF_PLUGIN = re.compile(r"(launcher|sweeper)\.\w+")
_PLAIN = re.compile(r"[\w.+-]*")
_RUN_PROGRAMS = {"setup", "python", "srun_args", "additional_parameters", "address", "storage"}
_PLUGIN_GROUPS = re.compile(r"hydra/(launcher|sweeper)(/|$)")
# Names of other places in the configuration are no resolvers, nor are the job's own.
_LOOKUP = re.compile(r"\$\{\s*(?!hydra:|now:)([\w.]+)\s*:")
_NEVER = "which a file that may be another's does not decide"


def require_allowed_logger(target: object) -> None:
    """Raise UserError where a logger is none of Lightning's."""
    if not _LOGGERS.fullmatch(str(target)):
        raise UserError(
            f"logger._target_={printable(str(target))} is no logger of Lightning\n"
            "give one of pytorch_lightning.loggers, or logger=csv, tensorboard, mlflow, wandb or none"
        )


def load_resolved(path: Path) -> DictConfig:
    """Read a configuration that was written with all its values, such as a run's.

    Raises
    ------
    UserError
        If it cannot be read, or holds what no such file has.
    """
    config = _load(path)
    if lookup := next((text for _, text in _texts(config) if "${" in text), None):
        raise UserError(
            f"{path} holds {printable(lookup[:60])!r}: a run's has no such lookups\nput it back as it was"
        )
    return config


def require_harmless(content: Any, where: str, package: str = "") -> None:
    """Raise UserError where a part of a configuration would run, or look up, what its reader did not ask for.

    Parameters
    ----------
    content
        Plain values.
    where
        Of the file, for the message.
    package
        Where the part goes in the whole, dotted.
    """
    for place, value in _leaves(content, package):
        if fault := _fault(place, value):
            raise UserError(
                f"{where} sets {printable(place)[:80]}, {fault}\n"
                "give it in the call, if it is your own, or remove it there"
            )


def harmful(overrides: Sequence[str]) -> list[str]:
    """Return which settings of a call, as a file has recorded it, would be refused in a file of configuration."""
    return [override for override in overrides if _is_harmful(override)]


def register_checked_files() -> None:
    """Let Hydra read folders of configuration (``--config-dir``) through `FileConfigSource`."""
    SourcesRegistry.instance().types["file"] = FileConfigSource


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's reader of files of configuration, which takes of them what `require_harmless` lets through.

    Hydra, which registers its own again in processes of launchers, leaves one of the same name in its place.
    """

    def load_config(self, config_path: str) -> ConfigResult:
        """Return a file's contents, as Hydra's own reader does."""
        path = Path(self.path) / self._normalize_file_name(config_path)
        if path.is_file():
            content = _load(path)
            group = config_path.rpartition("/")[0]
            header = _package_of(path)
            _require_own_place(content, header, group, str(path))
            package = "" if header == "_global_" else group.replace("/", ".")
            content.pop("defaults", None)
            require_harmless(OmegaConf.to_container(content), str(path), package)
        return super().load_config(config_path)


def _package_of(path: Path) -> str | None:
    """Return where a file says that it goes, in a line ``# @package ...`` of its head."""
    head = path.read_text(encoding="utf-8")[:512]
    try:
        return file_config_source.FileConfigSource._get_header_dict(head).get("package")
    except ValueError as error:  # of Hydra, for a line that begins so and has not one word more
        raise UserError(f"{path} has a line '# @' that is no '# @package NAME'\ncorrect it there") from error


def _load(path: Path) -> DictConfig:
    config = OmegaConf.load(open_yaml(path))
    if not isinstance(config, DictConfig):
        raise UserError(f"{path} holds no mapping of keys to values\ncorrect it there")
    return config


def _require_own_place(content: DictConfig, package: str | None, group: str, where: str) -> None:
    """Refuse a file that puts itself, or others, where Hydra's own settings are."""
    own = package in (None, "_global_", "_group_", group.replace("/", "."))
    if not own and ("hydra" in str(package) or "$" in str(package)):
        raise UserError(f"{where} goes to {package}, {_NEVER}\ncorrect its line @package")
    if ".." in group or (group.startswith("hydra") and not _PLUGIN_GROUPS.match(group)):
        raise UserError(f"{where} is of the group {group}, {_NEVER}\nremove it there")
    entries = content.get("defaults") or []
    for entry in entries if not isinstance(entries, str) else [entries]:
        for text in entry if isinstance(entry, Mapping) else [str(entry)]:
            plain = str(text).removeprefix("override ").removeprefix("optional ").strip().lstrip("/")
            name, _, goes_to = plain.partition("@")
            is_plugin = bool(_PLUGIN_GROUPS.match(name))
            elsewhere = ("hydra" in goes_to and not is_plugin) or any(part in plain for part in ("$", ".."))
            if elsewhere or (name.startswith("hydra") and not is_plugin):
                raise UserError(
                    f"{where} takes {printable(plain)[:80]} among its defaults, {_NEVER}\nremove it there"
                )


def _fault(place: str, value: Any) -> str:
    """Return why a file may not set a value, or nothing."""
    key = place.rpartition(".")[2]
    if isinstance(value, str) and (lookup := _LOOKUP.search(value)):
        return f"looked up by {lookup[1]}"
    if key == "_target_":
        named = _LOGGERS.fullmatch(str(value)) or _PLUGINS.fullmatch(str(value))
        return "" if named else f"the class {printable(str(value))[:60]}"
    if place == "overwrite":
        return _NEVER if value else ""
    if place != "hydra" and not place.startswith("hydra."):
        return ""
    inner = place.removeprefix("hydra").removeprefix(".")
    if setting := _SWEPT.fullmatch(inner):
        return _NEVER if _is_harmful(f"{setting[1]}={value}") else ""
    if _TO_HYDRA.fullmatch(inner) or (not inner and not value):
        return ""
    if _OF_PLUGIN.fullmatch(inner) and key not in _RUN_PROGRAMS and not isinstance(value, list):
        return "" if value is None or _PLAIN.fullmatch(str(value)) else _NEVER
    return _NEVER


def _is_harmful(override: str) -> bool:
    key, _, value = override.lstrip("+~").partition("=")
    name, _, goes_to = key.partition("@")
    if "/" in name or goes_to:
        return "hydra" in f"{name}{goes_to}" and not _PLUGIN_GROUPS.match(name)
    if override.startswith("-"):
        return False
    plain: Any = value
    with suppress(HydraException):
        parsed = OverridesParser.create().parse_override(override)
        plain = parsed.value() if parsed.value_type == ValueType.ELEMENT else value
    return any(_fault(place, leaf) for place, leaf in _leaves(_plain(plain), name))


def _plain(value: Any) -> Any:
    """Return what Hydra parsed as dicts, lists, texts and numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _leaves(content: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Give the values with their dotted keys; a list is a value, and what it holds too."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _leaves(value, f"{place}.{key}" if place else str(key))
        if not content:
            yield place, {}
        return
    yield place, content
    if isinstance(content, list):
        for value in content:
            if isinstance(value, Mapping | list):
                yield from _leaves(value, f"{place}.0")
            else:
                yield place, value


def _texts(config: DictConfig) -> Iterator[tuple[str, str]]:
    for place, value in _leaves(OmegaConf.to_container(config), ""):
        if isinstance(value, str):
            yield place, value
