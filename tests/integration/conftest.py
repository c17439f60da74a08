from functools import partial

import pytest

from tests.copper_run import folder, work  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def few_boosted_trees():
    """Boost ten trees in place of a hundred, half of an evaluation's time, where no test looks at what they say."""
    from rankaae_cli.core.styles import disentanglement

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GradientBoostingClassifier", "GradientBoostingRegressor"):
            patch.setattr(disentanglement, name, partial(getattr(disentanglement, name), n_estimators=10))
        yield
