"""The jobs of a sweep as tasks of Ray.

Hydra's own launcher for Ray requires an old cloudpickle and the client of a cloud provider; handing jobs to
Ray takes the few lines here.
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from rankaae_cli.core.errors import UserError


class RayLauncher(Launcher):
    """Hands jobs to Ray.

    Parameters
    ----------
    address
        Of a cluster of Ray; null starts one on this machine, or joins that of RAY_ADDRESS.
    cpus_a_job, gpus_a_job
        That Ray keeps free for each.
    """

    def __init__(self, address: str | None = None, cpus_a_job: float = 1, gpus_a_job: float = 0) -> None:
        self.address = address
        self.options = {"num_cpus": cpus_a_job, "num_gpus": gpus_a_job}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra composed."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs, as many at once as Ray has room for; wait for all.

        Raises
        ------
        UserError
            If there is no Ray.
        """
        try:
            import ray
        except ImportError as error:
            raise UserError("hydra/launcher=ray needs Ray\npip install 'rankaae[ray]'") from error
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        if not ray.is_initialized():
            ray.init(
                address=self.address,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="error",
            )
        task, state = ray.remote(**self.options)(_run_in_ray), Singleton.get_state()
        tasks = []
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
            with open_dict(config):
                config.hydra.job.id, config.hydra.job.num = f"ray_{number}", number
            tasks.append(task.remote(self.hydra_context, config, self.task_function, state))
        ray.wait(tasks, num_returns=len(tasks))  # all, before the first failure is raised
        returned: list[JobReturn] = ray.get(tasks)
        return returned


def _run_in_ray(
    hydra_context: HydraContext, config: DictConfig, task_function: TaskFunction, state: dict[Any, Any]
) -> JobReturn:
    setup_globals()
    Singleton.set_state(state)
    HydraConfig.instance().set_config(config)
    return run_job(
        hydra_context=hydra_context,
        task_function=task_function,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
