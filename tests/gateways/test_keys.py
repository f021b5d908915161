"""API keys: who holds one is known by name, and no complaint shows a key."""

from pathlib import Path

import pytest

from waggledance.core import UsageError
from waggledance.gateways import Keys

ADA, BEN = "a-secret-of-twenty-0", "a-secret-of-twenty-1"


def test_a_holder_is_known_by_the_key_and_by_nothing_else() -> None:
    keys = Keys({"ada": ADA, "ben": BEN})
    assert [keys.holder(key) for key in (ADA, BEN, "", ADA[:-1], ADA + "x", "ü")] == [
        "ada",
        "ben",
        None,
        None,
        None,
        None,
    ]
    assert ADA not in repr(keys)


def test_a_file_of_keys_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# who may come in\n\nada {ADA}\nben   {BEN}\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        Keys.read(file)
    file.chmod(0o600)
    assert Keys.read(file).holder(BEN) == "ben"
    with pytest.raises(UsageError, match="cannot be read"):
        Keys.read(tmp_path / "none")


@pytest.mark.parametrize(
    "text",
    ["", " , ", "ada", f"ada {ADA} more", f"ada {ADA},ada {BEN}", f"ada {ADA},ben {ADA}", "ada short", f"a/b {ADA}"],
)
def test_keys_that_cannot_be_used_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        Keys.of_text(text, "WAGGLE_API_KEYS")
    assert ADA not in str(raised.value)
    assert BEN not in str(raised.value)


def test_a_variable_holds_several_keys() -> None:
    assert Keys.of_text(f"ada {ADA}, ben {BEN}", "WAGGLE_API_KEYS").holder(BEN) == "ben"
