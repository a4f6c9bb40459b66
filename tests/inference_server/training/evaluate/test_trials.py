"""The log of trials is read whole, line by line, or refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from inference_server.training.evaluate.trials import (
    LOG,
    Trial,
    TrialRefused,
    count_trials,
    read_trials,
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


def write_log(log: Path, *trials: Trial) -> None:
    lines = [json.dumps(asdict(trial), sort_keys=True) + "\n" for trial in trials]
    log.write_text("".join(lines), encoding="utf-8")


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    second = replace(TRIAL, id="t-2", what="a second; with \u00fcmlauts", test_sharpe=0.9)
    write_log(log, TRIAL, second)
    assert read_trials(log) == (TRIAL, second)
    assert count_trials(log) == 2


def test_a_missing_log_is_an_empty_one(tmp_path: Path) -> None:
    assert read_trials(tmp_path / "none.jsonl") == ()
    assert count_trials(tmp_path / "none.jsonl") == 0


def test_a_line_cut_short_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    write_log(log, TRIAL)
    log.write_bytes(log.read_bytes()[:-20])
    with pytest.raises(TrialRefused, match="the last line must be whole"):
        read_trials(log)


def test_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    write_log(log, replace(TRIAL, test_gain=float("nan")))
    with pytest.raises(TrialRefused, match="line 1: test_gain"):
        read_trials(log)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "line 2"),
        ("{}", "line 2: id"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    log = tmp_path / "trials.jsonl"
    write_log(log, TRIAL)
    log.write_text(log.read_text() + line + "\n")
    with pytest.raises(TrialRefused, match=message):
        read_trials(log)


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    write_log(log, TRIAL)
    log.write_text(log.read_text().replace('{"case"', '{"surprise": 1, "case"'))
    with pytest.raises(TrialRefused, match="line 1: surprise"):
        read_trials(log)


def test_a_repeated_id_in_the_file_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    write_log(log, TRIAL)
    log.write_text(log.read_text() * 2)
    with pytest.raises(TrialRefused, match="line 2: id must be new, was 't-1'"):
        read_trials(log)


def test_the_sharpe_ratios_of_a_case_are_those_that_were_tested_in_it(tmp_path: Path) -> None:
    log = tmp_path / "trials.jsonl"
    write_log(
        log,
        replace(TRIAL, id="a", test_sharpe=1.0),
        replace(TRIAL, id="b"),
        replace(TRIAL, id="c", test_sharpe=2.0, case="long_short"),
        replace(TRIAL, id="d", test_sharpe=3.0, universe="etfs"),
        replace(TRIAL, id="e", test_sharpe=4.0),
    )
    assert sharpes_of(read_trials(log), "long_flat", "stocks") == (1.0, 4.0)


def test_the_log_lies_beside_the_training() -> None:
    assert LOG.parts[-3:] == ("inference_server", "training", "trials.jsonl")
