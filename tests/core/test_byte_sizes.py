import pytest

from rankaae_cli.core.byte_sizes import parsed_bytes, shown_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("300MB", 300_000_000),
        ("1.5 GB", 1_500_000_000),
        ("2GiB", 2 * 2**30),
        ("64kB", 64_000),
        ("64K", 64_000),
        ("1tb", 10**12),
        (1000, 1000),
        ("12 B", 12),
        ("MB", None),
        ("-1MB", None),
        ("1 PB", None),
        ("all", None),
        ("", None),
    ],
)
def test_amounts_of_memory(text, size):
    assert parsed_bytes(text) == size


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (1_024_000_000, "1.02 GB"), (300_000_000, "300 MB"), (1500, "1.5 kB")]
)
def test_amounts_are_shown_to_three_digits(size, text):
    assert shown_bytes(size) == text
