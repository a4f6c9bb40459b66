"""The features of history are those of live traffic, and know nothing of the future."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.backtest.options import BacktestOptions
from app.backtest.run import run
from app.settings import Settings
from inference_server.main import create_app
from inference_server.model.card import ModelCard
from inference_server.model.features import FEATURES
from inference_server.model.kinds import KINDS
from inference_server.model.multiplier import MultiplierPolicy
from inference_server.model.multiplier import setup as setup_multiplier
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.settings import Settings as ServerSettings
from inference_server.training.play.tapes import load_tape
from tests.backtest.panels import with_prices
from tests.inference_server.site import listening
from tests.inference_server.training.fits import drawn_cases, publish
from tests.inference_server.training.recorded import PANEL, Recorded, record_panel


@dataclass
class NotingPolicy:
    """The multiplier as it is served; keeps what each request was made into."""

    inner: MultiplierPolicy
    rows: list[list[SignalRow]] = field(default_factory=list)
    inputs: list[Arrays] = field(default_factory=list)

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        decoded = self.inner.decode(rows)
        if len({row.symbol for row in rows}) == len(PANEL.symbols):
            self.rows.append(list(rows))
            self.inputs.append(decoded.inputs)
        return decoded

    def predict(self, inputs: Arrays) -> Arrays:
        return self.inner.predict(inputs)

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        return self.inner.encode(outputs, decoded)


def live(recorded: Recorded, store: Path, *, short: bool) -> NotingPolicy:
    """Play the same days over the wire; without confidence the baseline is followed."""
    publish(store, drawn_cases(), alpha=0.0)
    noting: list[NotingPolicy] = []

    def setup(folder: Path, card: ModelCard, threads: int) -> NotingPolicy:
        noting.append(NotingPolicy(setup_multiplier(folder, card, threads)))
        return noting[-1]

    app = create_app(
        ServerSettings(model_dir=store, log_level="ERROR"), kinds={**KINDS, "multiplier": setup}
    )
    with listening(app) as url:
        options = BacktestOptions(
            prices=recorded.prices,
            json_path=store / "out.json",
            mode="rl",
            inference_url=url,
            only=("rl",),
            outcomes=False,
            short=short,
        )
        run(options, Settings(rl_wire="msgpack"))
    return noting[-1]


def test_history_gives_the_features_that_the_server_makes_of_live_requests(
    recorded: Recorded, store: Path
) -> None:
    tape = recorded.tape
    noted = live(recorded, store, short=bool(tape.settings["allow_short"]))
    days = len(tape.dates)
    assert len(noted.inputs) >= days > 100
    order, theirs, ours = [columns_asked(rows) for rows in noted.rows[-days:]], [], []
    for day, (columns, inputs) in enumerate(zip(order, noted.inputs[-days:], strict=True)):
        if not columns:
            continue
        theirs.append(inputs["features"])
        ours.append(tape.features[day][columns])
        np.testing.assert_allclose(
            tape.path[day][columns], inputs["path"], rtol=1e-3, atol=1e-6, err_msg=str(day)
        )
    assert sum(map(len, order)) == int((tape.baseline != 0.0).sum())
    history, traffic = np.concatenate(ours), np.concatenate(theirs)
    np.testing.assert_allclose(history, traffic, rtol=0.0, atol=1e-6)


def columns_asked(rows: Sequence[SignalRow]) -> list[int]:
    """Columns of the symbols that the model speaks of, in the order of the request."""
    names = dict.fromkeys(row.symbol for row in rows if row.baseline_pct)
    return [PANEL.symbols.index(name) for name in names]


def test_closes_after_a_day_change_nothing_at_or_before_it(
    recorded: Recorded, tmp_path: Path
) -> None:
    last = 340
    changed = PANEL.closes.copy()
    changed[last + 1 :] *= np.random.default_rng(5).uniform(0.7, 1.4, changed[last + 1 :].shape)
    before = recorded.tape
    short = bool(before.settings["allow_short"])
    after = record_panel(with_prices(PANEL, changed), tmp_path, short=short).tape
    known = int(np.flatnonzero(before.dates == PANEL.dates[last])[0]) + 1
    for name in ("features", "path", "usable", "baseline", "share", "past", "ewma", "leaning"):
        ours, theirs = getattr(before, name), getattr(after, name)
        np.testing.assert_array_equal(ours[:known], theirs[:known], err_msg=name)
    assert (before.features[known:] != after.features[known:]).any()


def test_mirrored_prices_with_mirrored_decisions_give_the_same_features(
    recorded: Recorded, tmp_path: Path
) -> None:
    with np.load(recorded.record) as opened:
        raw = {name: opened[name] for name in opened.files}
    steps = raw["closes"][1:] / raw["closes"][:-1] - 1.0
    raw["closes"] = 100.0 * np.vstack([np.ones(steps.shape[1]), np.cumprod(1.0 - steps, axis=0)])
    raw["baseline"], raw["direction"] = -raw["baseline"], -raw["direction"]
    with (tmp_path / "mirrored.npz").open("wb") as file:
        np.savez(file, **raw)
    mirrored, tape = load_tape(tmp_path / "mirrored.npz"), recorded.tape
    asked = tape.baseline != 0.0
    # what is held is carried by prices: a winning short shrinks where a winning long grows
    plain = [place for place, name in enumerate(FEATURES) if not name.startswith("held")]
    ours, theirs = tape.features[asked][:, plain], mirrored.features[asked][:, plain]
    np.testing.assert_allclose(theirs, ours, rtol=0.0, atol=1e-5)
    np.testing.assert_allclose(mirrored.path[asked], tape.path[asked], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(mirrored.ahead, -tape.ahead, rtol=0.0, atol=1e-8)


def test_a_tape_out_of_the_cache_is_the_tape_that_was_built(
    recorded: Recorded, tmp_path: Path
) -> None:
    built = load_tape(recorded.record, tmp_path)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = load_tape(recorded.record, tmp_path)
    assert kept.stat().st_mtime_ns == written
    for name in ("features", "path", "usable"):
        np.testing.assert_array_equal(getattr(built, name), getattr(again, name))
