"""What a rehearsal makes worse is worse."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.params import CascadeParams
from app.core.stages.cascade import assess_cascade
from app.core.types import CascadeIndicators
from app.pipeline.what_if import _worsened

indicators = st.builds(
    CascadeIndicators,
    funding_rate=st.floats(-1.0, 1.0),
    oi_change_pct=st.floats(-1.0, 1.0),
    volume_ratio=st.floats(0.0, 50.0),
    onchain_whale_pressure=st.floats(0.0, 1.0),
    exchange_netflow_zscore=st.floats(-10.0, 10.0),
)


@given(indicators, st.floats(0.0, 1.0))
def test_no_severity_makes_a_cascade_less_likely(given: CascadeIndicators, severity: float) -> None:
    before = assess_cascade(given, CascadeParams())
    after = assess_cascade(_worsened(given, severity), CascadeParams())
    for name, value in before.components.items():
        assert after.components[name] >= value, name
