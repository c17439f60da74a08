import os
import shutil

import pytest

from rankaae_cli.data.arrivals import SETTLED, Arrivals


@pytest.fixture
def look(tmp_path):
    """Look at the folder a moment (s) after the last look; return the names of finished files and of gone ones."""
    folder = tmp_path / "beamtime"
    folder.mkdir()
    arrivals, clock = Arrivals(folder, folder / "output"), [0.0]

    def later(seconds):
        clock[0] += seconds
        return tuple([path.name for path in paths] for paths in arrivals.look(clock[0]))

    return folder, later


def test_a_file_is_finished_when_it_has_not_changed_for_a_moment(look):
    folder, later = look
    (folder / "a").write_text("1")
    assert later(0) == ([], [])
    assert later(SETTLED / 2) == ([], [])
    (folder / "a").write_text("12")
    assert later(SETTLED / 2) == ([], [])
    assert later(SETTLED / 2) == ([], [])
    assert later(2 * SETTLED) == (["a"], [])
    assert later(10) == ([], [])


def test_a_file_that_changes_is_finished_again_also_where_its_size_is_the_same(look):
    folder, later = look
    (folder / "a").write_text("12")
    later(0)
    assert later(SETTLED) == (["a"], [])
    os.utime(folder / "a", ns=(1, 1))
    assert later(0) == ([], []) and later(SETTLED) == (["a"], [])
    (folder / "b").write_text("34")
    os.utime(folder / "b", ns=(1, 1))
    later(0)
    assert later(SETTLED) == (["b"], [])
    (folder / "b").replace(folder / "a")
    assert later(0) == ([], ["b"]) and later(SETTLED) == (["a"], [])
    (folder / "a").chmod(0o400)
    assert later(0) == ([], []) and later(SETTLED) == (["a"], [])


def test_a_file_that_grows_slowly_is_waited_for_as_long_as_its_pauses_ask(look):
    folder, later = look
    path = folder / "a"
    path.write_text("1")
    later(0)
    assert later(1) == (["a"], [])  # nothing tells that it goes on
    for _ in range(5):
        with path.open("a") as file:
            file.write("2")
        assert later(1) == ([], [])
    assert later(1.5) == ([], [])
    assert later(3) == (["a"], [])
    path.write_text("")
    assert later(600) == ([], [])
    with path.open("a") as file:
        file.write("2")
    later(600)
    assert later(10) == (["a"], [])  # what was written anew an hour later does not grow slowly


def test_files_are_given_oldest_first_hidden_ones_and_the_output_not_at_all(look):
    folder, later = look
    for i, name in enumerate(["c", "sub/a", "b", ".hidden", ".hidden_folder/a", "output/predictions.csv"]):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("1")
        os.utime(folder / name, ns=(i, i))
    (folder / "link_to_nothing").symlink_to("nowhere")
    (folder / "itself").symlink_to(".")
    os.mkfifo(folder / "pipe")
    later(0)
    assert later(SETTLED) == (["c", "a", "b"], [])


def test_files_that_are_gone_are_told_and_a_folder_that_is_gone_forgets_none(look):
    folder, later = look
    for name in "ab":
        (folder / name).write_text("1")
    later(0)
    later(SETTLED)
    (folder / "a").unlink()
    assert later(1) == ([], ["a"])
    folder.rename(folder.with_name("away"))
    with pytest.raises(FileNotFoundError):
        later(1)
    folder.with_name("away").rename(folder)
    assert later(1) == ([], [])
    shutil.rmtree(folder)
    with pytest.raises(OSError):
        later(1)
