from pathlib import Path

import pytest

from waggledance.core import UnknownName, UsageError
from waggledance.protocols import Institution, Spec, Stage, institution_spec, institutions

FINGERPRINTS = {
    "city-assembly": "2 gates, 0 loops, depth 3, 7 voters",
    "federal": "6 gates, 0 loops, depth 7, 3 voters",
    "khanate": "0 gates, 0 loops, depth 5, 0 voters",
    "party-congress": "2 gates, 2 loops, depth 4, 5 voters",
    "party-state": "0 gates, 0 loops, depth 4, 0 voters",
    "prefecture": "0 gates, 1 loops, depth 5, 0 voters",
    "shogunate": "1 gates, 1 loops, depth 3, 1 voters",
    "three-departments": "2 gates, 2 loops, depth 4, 5 voters",
}


def test_seven_governments_in_eight_shapes_come_along() -> None:
    assert {name: str(institution_spec(name).fingerprint) for name in institutions()} == FINGERPRINTS


def test_an_unknown_institution_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'khanate'"):
        Institution("kanate")


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "duo.toml"
    file.write_text(
        'name = "duo"\n[[stages]]\nname = "a"\nkind = "draft"\nthen = { default = "b" }\n'
        '[[stages]]\nname = "b"\nkind = "end"\n'
    )
    assert [stage.name for stage in institution_spec(str(file)).stages] == ["a", "b"]
    file.write_text('name = "duo"\nstages = 3')
    institution_spec.cache_clear()
    with pytest.raises(UsageError, match="cannot be read"):
        institution_spec(str(file))
    with pytest.raises(UsageError, match="cannot be read"):
        institution_spec(str(tmp_path / "absent.toml"))


def draft(name: str, **more: object) -> Stage:
    return Stage(name=name, kind="draft", **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


DONE = Stage(name="done", kind="end")


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ((draft("a", then={"default": "done"}), DONE, DONE), "one name"),
        ((draft("a", then={"default": "b"}), DONE), "leads to 'b', which is no stage"),
        ((draft("a", then={"done": "done"}), DONE), "no `default`"),
        ((draft("a", then={"reject": "done", "default": "done"}), DONE), "never says 'reject'"),
        ((draft("a", then={"default": "done"}), draft("b", then={"default": "done"}), DONE), "leads to 'b'"),
        ((draft("a", then={"failed": "b", "default": "done"}), draft("b", then={"default": "b"}), DONE), "no end"),
        ((draft("a", then={"failed": "a", "default": "done"}), DONE), "loop through 'a' has no guard"),
        ((draft("a", tries=2, then={"default": "done"}), DONE), "both `tries` and `otherwise`"),
        ((draft("a", tries=2, otherwise="x", then={"default": "done"}), DONE), "'x', which is no stage"),
        (
            (
                draft("a", tries=2, otherwise="b", then={"failed": "a", "default": "done"}),
                draft("b", then={"failed": "a", "default": "done"}),
                DONE,
            ),
            "has no guard",
        ),
    ],
)
def test_an_institution_that_cannot_work_is_refused(stages: tuple[Stage, ...], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Spec(name="odd", stages=stages)


def test_a_guarded_loop_is_fine() -> None:
    again = draft("a", tries=2, otherwise="done", then={"failed": "a", "default": "done"})
    assert Spec(name="fine", stages=(again, DONE)).fingerprint.loops == 1
