from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub.errors import HFValidationError

from ft_runtime.artifacts.push import push_folder
from ft_runtime.compat import http_errors
from ft_runtime.config import Config, load_config
from support.configs import make_config


class FakeApi:
    def __init__(self, error=None):
        self.error = error
        self.calls = []

    def create_repo(self, name, **options):
        self.calls.append(("create_repo", name, options))

    def upload_folder(self, **options):
        if self.error:
            raise self.error
        files = sorted(path.name for path in Path(options["folder_path"]).iterdir())
        self.calls.append(("upload_folder", options["repo_id"], files))
        return SimpleNamespace(commit_url="https://hub.test/owner/tuned/commit/1")


def config(**artifacts):
    document = make_config("lora", "jsonl_prompt")
    checked = load_config(document).to_dict()
    checked["artifacts"].update(artifacts)
    return Config(checked)


ON = {"push_to_hub": True, "hub_model_id": "owner/tuned"}


def test_off_by_default(tmp_path):
    api = FakeApi()
    assert push_folder(config(), tmp_path, api) == (None, [])
    assert api.calls == []


def test_the_folder_goes_to_a_private_repository(tmp_path):
    (tmp_path / "a.txt").write_text("")
    api = FakeApi()
    url, found = push_folder(config(**ON), tmp_path, api)
    assert url == "https://hub.test/owner/tuned/commit/1"
    assert found == []
    assert api.calls == [
        ("create_repo", "owner/tuned", {"repo_type": "model", "private": True, "exist_ok": True}),
        ("upload_folder", "owner/tuned", ["a.txt"]),
    ]


@pytest.mark.parametrize(
    "error",
    [
        OSError("connection refused"),
        ValueError("no token"),
        HFValidationError("bad name"),
        http_errors()[-1]("unreachable"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_is_a_finding_that_says_what_to_type(tmp_path, error):
    url, found = push_folder(config(**ON), tmp_path, FakeApi(error))
    assert url is None
    assert [item.code for item in found] == ["artifacts.push_failed"]
    assert found[0].severity == "warning"
    assert "hf upload owner/tuned" in found[0].hint
    assert str(error) in found[0].message


def test_without_a_name_nothing_is_uploaded(tmp_path):
    api = FakeApi()
    url, found = push_folder(config(push_to_hub=True, hub_model_id=None), tmp_path, api)
    assert url is None
    assert [item.code for item in found] == ["artifacts.push_no_name"]
    assert api.calls == []
