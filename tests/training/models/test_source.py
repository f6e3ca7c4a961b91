"""Models in folders: what is there, what is wrong with it, and what identifies it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ft_runtime.findings import FindingsError
from ft_runtime.models import find_model, model_identity
from support.settings import make_config

Damage = Callable[[Path], object]


def only_code(error: pytest.ExceptionInfo[FindingsError]) -> str:
    assert len(error.value.findings) == 1
    return error.value.findings[0].code


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def index_of(folder: Path, names: object) -> None:
    index = {"metadata": {}, "weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


DAMAGE: dict[str, tuple[Damage, str]] = {
    "no folder": (shutil.rmtree, "models.no_path"),
    "no config": (lambda d: (d / "config.json").unlink(), "models.no_config"),
    "no weights": (lambda d: (d / "model.safetensors").unlink(), "models.no_weights"),
    "config cut short": (lambda d: cut(d / "config.json", 20), "models.bad_config"),
    "config a list": (lambda d: (d / "config.json").write_text("[]"), "models.bad_config"),
    "config not text": (
        lambda d: (d / "config.json").write_bytes(b"\xff\xfe\x00"),
        "models.bad_config",
    ),
    "weights cut short": (
        lambda d: cut(d / "model.safetensors", 100_000),
        "models.corrupt_weights",
    ),
    "weights empty": (lambda d: cut(d / "model.safetensors", 0), "models.corrupt_weights"),
    "weights are a pointer": (
        lambda d: (d / "model.safetensors").write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
        ),
        "models.lfs_pointer",
    ),
    "a shard is missing": (
        lambda d: index_of(d, {"a": "model-00001-of-00002.safetensors"}),
        "models.missing_shards",
    ),
    "the index is damaged": (lambda d: index_of(d, None), "models.bad_config"),
    "only GGUF": (
        lambda d: [(d / n).unlink() for n in ("config.json", "model.safetensors")],
        "models.no_config",
    ),
}


@pytest.mark.parametrize(("damage", "code"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_folder_has_its_finding(damage: Damage, code: str, causal_copy: Path) -> None:
    damage(causal_copy)
    with pytest.raises(FindingsError) as error:
        find_model(make_config(causal_copy))
    assert only_code(error) == code


def test_a_file_is_no_model_folder(causal_copy: Path) -> None:
    with pytest.raises(FindingsError) as error:
        find_model(make_config(causal_copy / "config.json"))
    assert only_code(error) == "models.not_a_folder"


def test_a_name_that_no_folder_can_have_is_no_folder() -> None:
    with pytest.raises(FindingsError) as error:
        find_model(make_config(Path("a" * 300)))
    assert only_code(error) == "models.no_path"


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    adapter = {"base_model_name_or_path": "org/base", "peft_type": "LORA"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(adapter))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(FindingsError) as error:
        find_model(make_config(tmp_path))
    assert only_code(error) == "models.adapter_given"
    assert "org/base" in str(error.value)


def test_a_checkpoint_with_an_adapter_beside_the_model_is_a_model(causal_copy: Path) -> None:
    (causal_copy / "adapter_config.json").write_text("{}")
    assert find_model(make_config(causal_copy)).name == str(causal_copy)


def test_identity_follows_the_files_and_not_the_place(causal_copy: Path, tmp_path: Path) -> None:
    before = model_identity(make_config(causal_copy))
    assert set(before["files"]) >= {"config.json", "model.safetensors", "tokenizer.json"}
    moved = Path(shutil.move(causal_copy, tmp_path / "moved"))
    assert model_identity(make_config(moved)) == before
    (moved / "NOTES.txt").write_text("no part of the model")
    assert model_identity(make_config(moved)) == before
    weights = moved / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    after = model_identity(make_config(moved))
    changed = {name for name in before["files"] if before["files"][name] != after["files"][name]}
    assert changed == {"model.safetensors"}
