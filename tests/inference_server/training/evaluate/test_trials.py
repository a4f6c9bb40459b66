"""The log of trials grows at its end, whole line by whole line, and forgets nothing."""

import multiprocessing
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from inference_server.training.evaluate.trials import (
    LOG,
    Trial,
    TrialRefused,
    count_trials,
    digest_settings,
    read_trials,
    record_trial,
    sharpes_of,
)

TRIAL = Trial(
    id="t-1",
    what="linear multiplier, sign flip",
    seeds=(1, 2),
    universe="stocks",
    case="long_flat",
    settings_digest="0123456789abcdef",
    validation_sharpe=1.1,
    test_gain=0.17,
    date="2023-01-01",
)


def record_same(path: str, start: Barrier, refused: "Queue[int]") -> None:
    """Record the same hundred trials as the other processes do at this moment."""
    start.wait(60.0)
    count = 0
    for number in range(100):
        try:
            record_trial(replace(TRIAL, id=f"t-{number}"), Path(path))
        except TrialRefused:
            count += 1
    refused.put(count)


def test_what_is_recorded_is_read_in_order(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    second = replace(TRIAL, id="t-2", what="a second; with \u00fcmlauts", test_sharpe=0.9)
    assert record_trial(TRIAL, log) == 1
    assert record_trial(second, log) == 2
    assert read_trials(log) == (TRIAL, second)
    assert count_trials(log) == 2
    assert log.read_bytes().count(b"\n") == 2


def test_a_missing_log_is_an_empty_one(tmp_path: Path) -> None:
    assert read_trials(tmp_path / "none.jsonl") == ()
    assert count_trials(tmp_path / "none.jsonl") == 0


def test_recording_leaves_earlier_lines_as_they_were(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    record_trial(TRIAL, log)
    before = log.read_bytes()
    record_trial(replace(TRIAL, id="t-2"), log)
    assert log.read_bytes().startswith(before)


def test_an_id_counts_once(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    record_trial(TRIAL, log)
    before = log.read_bytes()
    with pytest.raises(TrialRefused, match="id of a trial must be new, was 't-1'"):
        record_trial(replace(TRIAL, what="another"), log)
    assert log.read_bytes() == before


def test_a_number_that_is_not_finite_is_refused_before_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    with pytest.raises(TrialRefused, match="numbers of trial 't-1' must be finite"):
        record_trial(replace(TRIAL, test_gain=float("nan")), log)
    assert not log.exists()


def test_a_line_cut_short_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    record_trial(TRIAL, log)
    log.write_bytes(log.read_bytes()[:-20])
    with pytest.raises(TrialRefused, match="the last line must be whole"):
        read_trials(log)
    with pytest.raises(TrialRefused, match="the last line must be whole"):
        record_trial(replace(TRIAL, id="t-2"), log)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "line 2"),
        ("{}", "line 2: id"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    log = tmp_path / "trials.jsonl"
    record_trial(TRIAL, log)
    log.write_text(log.read_text() + line + "\n")
    with pytest.raises(TrialRefused, match=message):
        read_trials(log)


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    record_trial(TRIAL, log)
    log.write_text(log.read_text().replace('{"case"', '{"surprise": 1, "case"'))
    with pytest.raises(TrialRefused, match="line 1: surprise"):
        read_trials(log)


def test_a_repeated_id_in_the_file_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    record_trial(TRIAL, log)
    log.write_text(log.read_text() * 2)
    with pytest.raises(TrialRefused, match="line 2: id must be new, was 't-1'"):
        read_trials(log)


def test_of_processes_that_record_the_same_trial_at_once_one_succeeds(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    context = multiprocessing.get_context("spawn")
    start, refused = context.Barrier(3), context.Queue()
    arguments = (str(log), start, refused)
    workers = [context.Process(target=record_same, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    total = sum(refused.get(timeout=60.0) for _ in workers)
    for worker in workers:
        worker.join(60.0)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert total == 200
    assert count_trials(log) == 100


def test_the_sharpe_ratios_of_a_case_are_those_that_were_tested_in_it(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    for trial in (
        replace(TRIAL, id="a", test_sharpe=1.0),
        replace(TRIAL, id="b"),
        replace(TRIAL, id="c", test_sharpe=2.0, case="long_short"),
        replace(TRIAL, id="d", test_sharpe=3.0, universe="etfs"),
        replace(TRIAL, id="e", test_sharpe=4.0),
    ):
        record_trial(trial, log)
    assert sharpes_of(read_trials(log), "long_flat", "stocks") == (1.0, 4.0)


def test_the_digest_knows_values_and_not_their_order() -> None:
    assert digest_settings({"a": 1, "b": 2.5}) == digest_settings({"b": 2.5, "a": 1})
    assert digest_settings({"a": 1}) != digest_settings({"a": 2})
    assert len(digest_settings({})) == 16


def test_the_log_lies_beside_the_training() -> None:
    assert LOG.parts[-3:] == ("inference_server", "training", "trials.jsonl")
