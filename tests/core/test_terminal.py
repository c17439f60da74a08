from rankaae_cli.core.terminal import Progress


def test_a_log_file_gets_no_line_that_says_nothing(capsys):
    with Progress("training") as progress:
        progress(0, 2, "fitting")
        progress(2, 2, "")
    assert capsys.readouterr().err == ""
    with Progress("ingest", "sites") as progress:
        progress(2, 2)
    assert capsys.readouterr().err == "ingest: 2 of 2 sites\n"
