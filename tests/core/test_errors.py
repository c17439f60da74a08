from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError


def test_letters_that_cannot_be_printed_are_blanks_in_messages():
    assert str(UserError("there is no a\x1b\tb\ncorrect\x00it")) == "there is no a  b\ncorrect it"
    assert str(SpectrumError("the column a\nb")) == "the column a b"
    assert len(str(SpectrumError("x" * 5000))) < 500
