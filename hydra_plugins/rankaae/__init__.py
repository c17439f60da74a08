"""The sweepers and launchers of rankaae, in the one namespace from which Hydra takes plugins."""

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from rankaae_cli.sweeps.optuna_search import OptunaSearch
from rankaae_cli.sweeps.ray import RayLauncher
from rankaae_cli.sweeps.sweeper import GridSweep


class Grid(GridSweep):
    """`GridSweep` under the name by which conf/hydra/sweeper/basic.yaml asks for it."""


class Search(OptunaSearch):
    """`OptunaSearch` under the name by which conf/hydra/sweeper/optuna.yaml asks for it."""


class Ray(RayLauncher):
    """`RayLauncher` under the name by which conf/hydra/launcher/ray.yaml asks for it."""


def register() -> None:
    """Make them known to Hydra, with their configurations in conf/ instead of others of the same name."""
    plugins = Plugins.instance()  # every plugin that is installed stores its configurations now
    for plugin in (Grid, Search, Ray):
        plugins.register(plugin)
    stored = ConfigStore.instance().repo["hydra"]
    for group, name in (("sweeper", "basic"), ("sweeper", "optuna"), ("launcher", "ray")):
        stored.get(group, {}).pop(f"{name}.yaml", None)
