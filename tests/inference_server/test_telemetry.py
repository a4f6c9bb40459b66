"""Labels stay bounded whatever reasons a policy invents."""

from collections import Counter as Tally

from prometheus_client import generate_latest

from inference_server.telemetry import ROW_RESULTS, Telemetry


def rows_of(telemetry: Telemetry) -> dict[str, float]:
    lines = generate_latest(telemetry.registry).decode().splitlines()
    rows = [line for line in lines if line.startswith("himari_inference_rows_total{")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in rows}


def test_every_result_is_there_before_the_first_row() -> None:
    rows = rows_of(Telemetry())
    assert len(rows) == len(ROW_RESULTS)
    assert set(rows.values()) == {0.0}


def test_a_reason_ends_at_its_colon_so_numbers_make_no_labels() -> None:
    telemetry = Telemetry()
    for count in range(100):
        telemetry.count_rows(Tally({("abstained", f"too little history: {count} of 250"): 2}))
    label = 'himari_inference_rows_total{reason="too little history",result="abstained"}'
    assert rows_of(telemetry)[label] == 200.0


def test_beyond_fifty_reasons_the_rest_are_other() -> None:
    telemetry = Telemetry()
    for count in range(500):
        telemetry.count_rows(Tally({("abstained", f"reason {count}"): 1}))
    rows = rows_of(telemetry)
    assert len(rows) <= 51
    assert sum(rows.values()) == 500.0
    assert rows['himari_inference_rows_total{reason="other",result="abstained"}'] > 400.0


def test_the_build_is_shown() -> None:
    page = generate_latest(Telemetry(version="9.9").registry).decode()
    assert 'himari_inference_build_info{version="9.9"} 1.0' in page


def test_every_own_family_has_help_with_its_unit() -> None:
    families = [
        one for one in Telemetry().registry.collect() if one.name.startswith("himari_inference_")
    ]
    assert len(families) >= 13
    assert [one.name for one in families if "(" not in one.documentation] == []
