"""What Hydra finds of rankaae as plugins: it takes none from outside this namespace."""

from rankaae_cli.commands.search import OptunaSearch
from rankaae_cli.commands.sweep import GridSweep
from rankaae_cli.commands.sweep_ray import RayLauncher


class Grid(GridSweep):
    """Stands for `GridSweep`."""


class Search(OptunaSearch):
    """Stands for `OptunaSearch`."""


class Ray(RayLauncher):
    """Stands for `RayLauncher`."""


PLUGINS = (Grid, Search, Ray)
