"""Which model answers: one at a time, with its age, under few labels."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from app.adapters.telemetry.model_gauges import ModelGauges


def shown(families: Iterable[Metric]) -> dict[str, float]:
    """Value by version of the info, and by name of the rest."""
    samples = [one for family in families for one in family.samples]
    return {one.labels.get("version", one.name): one.value for one in samples}


def test_one_model_is_shown_at_a_time_with_its_age() -> None:
    now = 1000.0
    model = ModelGauges(limit=3, wall_sec=lambda: now)
    age = "himari_l3_model_seen_sec"
    assert shown(model.families(None)) == {"none": 1.0, age: 0.0}
    assert shown(model.families("v1")) == {"v1": 1.0, age: 0.0}
    now = 1060.0
    assert shown(model.families("v1")) == {"v1": 1.0, age: 60.0}
    assert shown(model.families("v2")) == {"v2": 1.0, age: 0.0}
    now = 1000.0
    assert shown(model.families("v2")) == {"v2": 1.0, age: 0.0}


def test_however_many_versions_answer_the_labels_stay_few() -> None:
    model = ModelGauges(limit=3)
    seen = {name for n in range(99) for name in shown(model.families(f"v{n}"))}
    assert seen == {"v0", "v1", "other", "himari_l3_model_seen_sec"}
