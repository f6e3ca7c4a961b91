"""Only a checkpoint whose manifest verifies is ever used."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.runs import checkpoints


def test_a_sealed_checkpoint_verifies_and_lists_every_file(tmp_path, make_checkpoint):
    path = make_checkpoint(tmp_path, 20)
    assert checkpoints.verify(path, 20).verified
    document = json.loads((path / "ft_checkpoint.json").read_text())
    assert document["step"] == 20
    names = {file.name for file in path.iterdir()} - {"ft_checkpoint.json"}
    assert set(document["files"]) == names
    entry = document["files"]["optimizer.pt"]
    content = (path / "optimizer.pt").read_bytes()
    assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda p: (p / "ft_checkpoint.json").unlink(), "ft_checkpoint.json is missing"),
        (lambda p: (p / "ft_checkpoint.json").write_text('{"step": 20'), "cannot be read"),
        (lambda p: (p / "ft_checkpoint.json").write_text("[]"), "cannot be read"),
        (lambda p: (p / "ft_checkpoint.json").write_text('{"step":20,"files":[]}'), "cannot be"),
        (lambda p: (p / "ft_checkpoint.json").write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda p: (p / "rng_state.pth").unlink(), "rng_state.pth is missing"),
        (lambda p: (p / "optimizer.pt").write_bytes(b"x"), "optimizer.pt has 1 bytes, expected"),
        (
            lambda p: (p / "scheduler.pt").write_bytes((p / "scheduler.pt").read_bytes()[::-1]),
            "the content of scheduler.pt has changed",
        ),
    ],
)
def test_damage_is_found_and_named(tmp_path, make_checkpoint, damage, told):
    path = make_checkpoint(tmp_path, 20)
    damage(path)
    found = checkpoints.verify(path, 20)
    assert not found.verified
    assert told in found.problem


def test_a_manifest_of_another_step_is_refused(tmp_path, make_checkpoint):
    path = make_checkpoint(tmp_path, 20).rename(tmp_path / "checkpoint-30")
    assert "step 20" in checkpoints.verify(path, 30).problem


@pytest.mark.parametrize(
    "name",
    [
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
        "trainer_state.json",
        "adapter_model.safetensors",
    ],
)
def test_a_checkpoint_that_cannot_be_resumed_exactly_is_not_sealed(tmp_path, make_checkpoint, name):
    path = make_checkpoint(tmp_path, 20, sealed=False)
    (path / name).unlink()
    with pytest.raises(ValueError, match="missing"):
        checkpoints.seal(path, 20)
    assert not (path / "ft_checkpoint.json").exists()


def test_the_newest_verified_one_is_taken_by_number_not_by_name(tmp_path, make_checkpoint):
    for step in (9, 10, 100):
        make_checkpoint(tmp_path, step)
    make_checkpoint(tmp_path, 200, sealed=False)
    (tmp_path / "checkpoint-300.old").mkdir()
    (tmp_path / "checkpoint-400").write_text("a file")
    found, rejected = checkpoints.newest(tmp_path)
    assert found is not None
    assert found.step == 100
    assert [item.step for item in rejected] == [200]


def test_nothing_to_find(tmp_path):
    assert checkpoints.newest(tmp_path / "missing") == (None, [])


@given(
    steps=st.sets(st.integers(1, 500), min_size=1, max_size=6),
    limit=st.one_of(st.none(), st.integers(1, 5)),
    unsealed=st.sets(st.integers(1, 500), max_size=2),
)
def test_rotation_keeps_the_newest_and_touches_no_unverified_folder(
    tmp_path_factory, steps, limit, unsealed
):
    root = tmp_path_factory.mktemp("rotation")
    unsealed -= steps
    for step in steps | unsealed:
        path = root / f"checkpoint-{step}"
        path.mkdir()
        if step in steps:
            (path / checkpoints.SEAL).write_text("{}")
    checkpoints.rotate(root, limit, keep=root / f"checkpoint-{max(steps)}")
    left = {step for step, _ in checkpoints.folders(root)}
    expected = sorted(steps)[-limit:] if limit else steps
    assert left == set(expected) | unsealed
    assert {path.name for path in root.iterdir()} == {f"checkpoint-{step}" for step in left}


@pytest.mark.parametrize(
    ("limit", "best", "left"),
    [(1, 5, {5, 20}), (2, 5, {5, 20}), (3, 5, {5, 15, 20}), (2, 20, {15, 20}), (2, 7, {15, 20})],
)
def test_the_best_one_is_kept_beside_the_newest(tmp_path, make_checkpoint, limit, best, left):
    for step in (5, 10, 15, 20):
        make_checkpoint(tmp_path, step)
    newest = tmp_path / "checkpoint-20"
    checkpoints.rotate(tmp_path, limit, keep=newest, best=tmp_path / f"checkpoint-{best}")
    assert {step for step, _ in checkpoints.folders(tmp_path)} == left


def test_leftovers_of_a_killed_rotation_are_removed(tmp_path, make_checkpoint):
    path = make_checkpoint(tmp_path, 10)
    (tmp_path / ".deleted-checkpoint-5").mkdir()
    assert checkpoints.rotate(tmp_path, None, keep=path) == []
    assert [item.name for item in tmp_path.iterdir()] == ["checkpoint-10"]
