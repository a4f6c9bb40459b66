"""Records of a small panel, made once."""

import pytest

from tests.inference_server.training.recorded import PANEL, Recorded, record_panel


@pytest.fixture(scope="session", params=[False, True], ids=["long_flat", "long_short"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Record a panel of 6 random walks over 420 days, without and with shorts."""
    return record_panel(PANEL, tmp_path_factory.mktemp("record"), short=bool(request.param))
