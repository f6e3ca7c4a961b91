"""Two processes, as torchrun starts them, train what one would."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from ft_runtime import processes
from ft_runtime.findings import FindingsError, finding
from ft_runtime.runs import checkpoints, start_run
from ft_runtime.training import parallel, train
from ft_runtime.training.errors import training_problem
from ft_runtime.training.shares import own_rows
from support import together
from support.torchrun import launch
from support.toy_training import CPU, build, toy_config, toy_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All the stories of `support.together`, told by two processes."""
    place = tmp_path_factory.mktemp("together")
    done = launch(together.__file__, place)
    assert done.returncode == 0, done.stderr
    (place / "stderr").write_text(done.stderr)
    return place


def seen(folder, story):
    return [json.loads((folder / f"{story}.{rank}.json").read_text()) for rank in (0, 1)]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_loss_is_that_of_one_process_with_the_same_global_batch(folder, tmp_path):
    trainer, run = build(toy_config(tmp_path / "one"), toy_data(train=20), dropout=0.0)
    result = train(trainer, run)
    alone = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    first, second = seen(folder, "plain")
    assert first["losses"] == second["losses"]
    assert first["losses"] == pytest.approx(alone, rel=1e-5)
    # Four validation rows, dealt out to two processes in batches of more: some are there twice.
    held_out = [line["eval_loss"] for line in trainer.state.log_history if "eval_loss" in line]
    assert first["held_out"] == second["held_out"] == pytest.approx(held_out, rel=1e-5)
    assert len(held_out) == 2
    assert first["digest"] == second["digest"]
    # What was trained on is counted over both.
    assert first["tokens"] == second["tokens"] == result.tokens
    assert first["supervised"] == result.supervised_tokens


def test_rows_that_do_not_divide_are_trained_on_once(folder, tmp_path):
    """13 rows in steps of 4: the last step has one row, and one process has none of its own."""
    config = toy_config(tmp_path / "one", "hyperparams.gradient_accumulation=2")
    trainer, run = build(config, toy_data(train=13), dropout=0.0)
    result = train(trainer, run)
    alone = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    first, second = seen(folder, "uneven")
    assert first["losses"] == pytest.approx(alone, rel=1e-5)
    assert first["digest"] == second["digest"]
    assert (first["tokens"], first["supervised"]) == (result.tokens, result.supervised_tokens)


@pytest.mark.parametrize(("rows", "size", "world"), [(13, 2, 2), (8, 4, 2), (1, 3, 4), (10, 3, 3)])
def test_every_row_is_somebodys_own(rows, size, world):
    """As accelerate deals them out, filled up from the beginning."""
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import BatchSampler, SequentialSampler

    dealt = []
    for rank in range(world):
        sampler = BatchSampler(SequentialSampler(range(rows)), size, drop_last=False)
        for slot, batch in enumerate(BatchSamplerShard(sampler, world, rank)):
            dealt += batch[: own_rows(slot * world + rank, size, rows)]
    assert sorted(dealt) == list(range(rows))


def test_one_process_writes_and_tells(folder):
    assert [part["leads"] for part in seen(folder, "whole")] == [True, False]
    run = folder / "whole"
    kinds = [line["event"] for line in lines(run / "events.jsonl")]
    assert kinds.count("started") == 1
    assert kinds.count("checkpoint") == 4
    steps = [line["step"] for line in lines(run / "metrics.jsonl") if "loss" in line]
    assert steps == list(range(1, 21))
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["hardware"]["processes"] == 2
    assert manifest["pinned"]["arguments"]["world_size"] == 2
    found, rejected = checkpoints.newest(run / "checkpoints")
    assert (found.step, rejected) == (20, [])
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {p.name for p in found.path.iterdir()}
    told = (folder / "stderr").read_text()
    assert told.count("Stopping at the end of this step") <= 2
    assert "Traceback" not in told


def test_a_signal_to_one_process_pauses_all_and_resuming_is_exact(folder):
    assert seen(folder, "paused") == [{"status": "paused", "step": 7}] * 2
    # Two Ctrl-C do not tear them apart either.
    assert seen(folder, "again") == [{"status": "paused", "step": 12}] * 2
    whole, resumed = seen(folder, "whole"), seen(folder, "resumed")
    assert [part["resumed_from"] for part in resumed] == [12, 12]
    assert {part["digest"] for part in resumed} == {part["digest"] for part in whole}
    assert resumed[0]["tokens"] == whole[0]["tokens"]
    ended = [line for line in lines(folder / "run" / "events.jsonl") if line["event"] == "ended"]
    assert [(line["status"], line["step"]) for line in ended] == [("paused", 7), ("paused", 12)]


def test_a_loss_that_is_no_number_in_one_process_stops_all(folder):
    first, second = seen(folder, "nan")
    assert first == second
    (item,) = first["findings"]
    assert (item["code"], item["where"]) == ("training.loss_not_finite", "step 8")
    last = lines(folder / "nan" / "events.jsonl")[-1]
    assert last["findings"][0]["code"] == "training.loss_not_finite"


def test_memory_that_one_process_lacks_stops_all(tmp_path):
    done = launch(together.__file__, tmp_path, "memory")
    assert done.returncode == 1
    first, second = seen(tmp_path, "memory")
    codes = [part["findings"][0]["code"] for part in (first, second)]
    assert codes == ["training.process_lost", "training.out_of_memory"]
    # Each says what it met; the run folder has the word of the one that writes.
    assert "[process 1 of 2]" in done.stderr
    last = lines(tmp_path / "memory" / "events.jsonl")[-1]
    assert (last["event"], last["status"]) == ("ended", "failed")
    assert last["findings"][0]["code"] == "training.process_lost"
    found, _ = checkpoints.newest(tmp_path / "memory" / "checkpoints")
    assert found.step == 5


@pytest.mark.parametrize("what", ["writev [127.0.0.1]:4: Broken pipe", "Socket closed [::1]:4"])
def test_whatever_gloo_says_of_a_connection_means_a_lost_process(monkeypatch, what):
    """Which of its words it is depends on who is faster."""
    control = SimpleNamespace(should_save=False)
    trainer = SimpleNamespace(state=SimpleNamespace(global_step=7), control=control)

    def told(words):
        error = RuntimeError(f"[/src/gloo/transport/tcp/pair.cc:547] {words}. This is typically")
        return training_problem(error, trainer)

    assert told(what) is None
    monkeypatch.setattr(processes, "count", lambda: 2)
    assert told(what).code == "training.process_lost"
    # What two that are both there disagree about would come again.
    assert told("enforce fail: op.preamble.length <= op.nbytes. 8 vs 4") is None


def test_a_full_disk_stops_all_and_the_run_goes_on(folder):
    first, second = seen(folder, "full")
    assert first == second
    assert first["findings"][0]["code"] == "training.disk_full"
    assert [part["resumed_from"] for part in seen(folder, "full_resumed")] == [5, 5]
    digests = {part["digest"] for part in seen(folder, "full_resumed")}
    assert digests == {part["digest"] for part in seen(folder, "whole")}


def test_what_the_first_process_refuses_is_refused_in_all(folder):
    first, second = seen(folder, "changed")
    assert first == second
    assert first["findings"][0]["code"] == "run.config_changed"


def test_what_fails_in_one_process_fails_in_all(folder):
    assert seen(folder, "disagree") == [{"error": "no data here"}] * 2


def test_without_checkpoints_it_is_the_same_training(folder):
    assert seen(folder, "without")[0]["digest"] == seen(folder, "whole")[0]["digest"]


def test_a_run_goes_on_with_as_many_processes(folder, tmp_path):
    """The random states are those of two; one process could not go on exactly."""
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(folder / "nan", copy)
    config = toy_config(copy, together.BATCH)
    trainer, run = build(config, toy_data(train=20), run=start_run(config, CPU))
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert [item.where for item in raised.value.findings] == ["world_size"]


def test_fsdp_on_a_cpu_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(FindingsError) as raised:
        build(toy_config(tmp_path / "run"))
    assert raised.value.findings[0].code == "training.fsdp_needs_gpu"


@pytest.mark.parametrize("asked", ["full_shard", True])
def test_fsdp_in_the_arguments_is_refused_too(asked):
    args = SimpleNamespace(fsdp=asked, deepspeed=None, device=SimpleNamespace(type="cpu"))
    with pytest.raises(FindingsError) as raised:
        parallel.check_parallel(args)
    assert raised.value.findings[0].code == "training.fsdp_needs_gpu"


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("/usr/bin/python /bin/accelerate launch --cpu --num_processes 2 -m ft_runtime", 2),
        ("accelerate launch --num-processes=4 x.py", 4),
        ("accelerate-launch launch --num_processes", 0),
        ("accelerate launch x.py", 0),
        ("bash launch --num_processes 2", 0),
        ("", 0),
    ],
)
def test_processes_that_accelerate_does_not_start_are_counted(command, count):
    assert parallel.launched_processes(command.split()) == count


def test_one_process_that_was_meant_to_be_two_is_told(monkeypatch, capsys):
    command = ["accelerate", "launch", "--cpu", "--num_processes", "2"]
    monkeypatch.setattr(parallel, "_parent_command", lambda: command)
    args = SimpleNamespace(fsdp=[], deepspeed=None, device=SimpleNamespace(type="cpu"))
    parallel.check_parallel(args)
    assert "torchrun --nproc-per-node 2" in capsys.readouterr().err
    monkeypatch.setattr(processes, "count", lambda: 2)
    parallel.check_parallel(args)
    assert capsys.readouterr().err == ""


def test_alone_everything_is_as_it_is(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert (processes.count(), processes.rank(), processes.is_main()) == (1, 0, True)
    processes.join("cpu")
    assert not processes.joined()
    assert processes.share(lambda: 3) == 3
    assert processes.gather("x") == ["x"]
    assert processes.any_of(True)
    processes.barrier()
    processes.leave()
    # A scheduler's own variable is no launcher.
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert processes.count() == 1


def test_what_cannot_be_sent_is_told_by_name():
    class Odd(Exception):
        def __reduce__(self):
            raise TypeError("not to be sent")

    assert str(processes._portable(Odd("why"))) == "Odd: why"
    error = FindingsError([finding("training.no_rows")])
    assert processes._portable(error).findings == error.findings
