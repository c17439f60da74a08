"""What Hydra finds of rankaae as plugins: it takes none from outside this namespace."""

from rankaae_cli.sweeps.optuna_search import OptunaSearch
from rankaae_cli.sweeps.ray import RayLauncher
from rankaae_cli.sweeps.sweeper import GridSweep


class Grid(GridSweep):
    """Stands for `GridSweep`."""


class Search(OptunaSearch):
    """Stands for `OptunaSearch`."""


class Ray(RayLauncher):
    """Stands for `RayLauncher`."""


PLUGINS = (Grid, Search, Ray)
