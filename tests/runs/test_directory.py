from rankaae_cli.runs.directory import new_run_directory


def test_runs_that_start_together_do_not_share_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len({new_run_directory("Fe_oxides") for _ in range(20)}) == 20
