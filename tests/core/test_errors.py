from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError


def test_letters_that_cannot_be_printed_are_blanks_in_messages():
    assert str(UserError("there is no a\x1b\tb\ncorrect\x00it")) == "there is no a  b\ncorrect it"
    assert str(SpectrumError("the column a\nb")) == "the column a b"
    assert len(str(SpectrumError("x" * 5000))) < 500


def test_the_middle_of_what_is_long_is_left_out_of_messages():
    keys = ", ".join(f"key_{number}" for number in range(40))
    assert str(UserError(f"there are: {keys}\nchoose one")) == f"there are: {keys}\nchoose one"
    message = str(UserError(f"there is no {'x' * 10**6} here\ncorrect {' y' * 10**5}"))
    assert message.startswith("there is no xxx") and len(message) < 600 and len(message.splitlines()) == 2
