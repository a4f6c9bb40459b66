r"""The learned policy: a bounded multiplier on the baseline, and what it thinks of the trade.

.. math:: w = \operatorname{clip}(w_2\,(1 + \alpha\,(m - 1)),\; -1,\; 1), \qquad 0 < m < 2

One symbol is one row of the model, however many signals name it. Where the model has no business
(too little history, features or a pace that training never saw, a case that its report did not
pass) the answer is the baseline, with confidence 0 and the reason. The symbol's name plays no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from inference_server.model.book import GatheredBook, take_symbols
from inference_server.model.card import Case, ModelCard
from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.model.many import build_each, gather_books
from inference_server.model.multiplier_details import (
    MultiplierDetails,
    check_features,
    check_interval,
    feature_bounds,
    read_details,
)
from inference_server.model.onnx_model import OnnxModel
from inference_server.model.opinion import Opinion, answer_row
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.model.signal_alone import NO_BASELINE

MODEL: Final = "model.onnx"
INPUTS: Final = {
    "features": (len(FEATURES),),
    "path": (STEPS, len(CHANNELS)),
    "case": (),
    "side": (),
}
OUTPUTS: Final = frozenset({"multiplier", "log_volatility", "hit_logit"})


def setup(folder: Path, card: ModelCard, threads: int) -> "MultiplierPolicy":
    """Load and try ``model.onnx``.

    Raises
    ------
    ModelRefused
        If the card's details or the graph are not what a multiplier needs.
    """
    details = read_details(card)
    model = OnnxModel(folder / MODEL, threads)
    model.check_signature(INPUTS, OUTPUTS)
    return MultiplierPolicy(card, details, model)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One request between ``decode`` and ``encode``.

    ``objections`` says of each symbol why the model has no say, or None; those with None are the
    rows of the model, in their order.
    """

    rows: Sequence[SignalRow]
    gathered: GatheredBook
    objections: list[str | None]


class MultiplierPolicy:
    """Answer ``baseline_pct`` times the gated multiplier.

    Parameters
    ----------
    card : ModelCard
        ``alpha`` gates the multiplier, ``confidence`` is what the service blends by.
    details : MultiplierDetails
    model : OnnxModel
    """

    def __init__(self, card: ModelCard, details: MultiplierDetails, model: OnnxModel) -> None:
        self._card = card
        self._details = details
        self._bounds = feature_bounds(details)
        self._model = model

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        """Make one model row of each symbol that the model may speak of."""
        return self.decode_all([rows])[0]

    def decode_all(self, requests: Sequence[Sequence[SignalRow]]) -> list[Decoded]:
        """Decode several requests at once, each for itself: most of the work is per call.

        Parameters
        ----------
        requests : sequence of sequences of SignalRow, none of them empty

        Returns
        -------
        list of Decoded, one of each request, as `decode` would have made it but for rounding
        """
        parts = gather_books(requests)
        asked = [
            _Asked(rows, part, [self._objection(row) for row in part.first_rows])
            for rows, part in zip(requests, parts, strict=True)
        ]
        heard = [place for place, each in enumerate(asked) if None in each.objections]
        inputs: list[Arrays] = [{} for _ in asked]
        for place, built in zip(heard, self._inputs([asked[one] for one in heard]), strict=True):
            inputs[place] = built
        return [Decoded(*pair) for pair in zip(inputs, asked, strict=True)]

    def predict(self, inputs: Arrays) -> Arrays:
        """Run the graph."""
        return self._model.run(inputs)

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        """Gate the multipliers, apply them to the baselines, and tell every row of its symbol."""
        asked = decoded.context
        assert isinstance(asked, _Asked)  # noqa: S101 - made by decode
        opinions = self._opinions(outputs, asked)
        return [
            answer_row(row, opinions[place])
            for row, place in zip(asked.rows, asked.gathered.symbol_of_row, strict=True)
        ]

    def _objection(self, row: SignalRow) -> str | None:
        """Say what can be held against a symbol before its features are known."""
        known, needed = row.returns.size, self._card.min_returns
        if row.baseline_pct is None:
            return NO_BASELINE
        if row.baseline_pct == 0.0:
            return "baseline is zero"
        if known < needed:
            return f"too little history: {known} of {needed} returns"
        if not row.returns.any():
            return "the price never moved"
        return check_interval(row.interval_sec, self._details)

    def _inputs(self, asked: Sequence[_Asked]) -> list[Arrays]:
        """Build what the model sees; objects to symbols outside of the trained ranges."""
        if not asked:
            return []
        needed = self._card.min_returns
        # neighbours need a history, and nothing else
        deep = [
            [i for i, row in enumerate(each.gathered.first_rows) if row.returns.size >= needed]
            for each in asked
        ]
        books = [
            each.gathered.book
            if len(places) == len(each.gathered.first_rows)
            else take_symbols(each.gathered.book, places)
            for each, places in zip(asked, deep, strict=True)
        ]
        features, path = build_each(books)
        reasons = check_features(features, self._bounds)
        inputs: list[Arrays] = []
        begin = 0
        for each, places, book in zip(asked, deep, books, strict=True):
            kept: list[int] = []
            for line, place in enumerate(places, start=begin):
                each.objections[place] = each.objections[place] or reasons[line]
                if each.objections[place] is None:
                    kept.append(line)
            side = book.side.astype(np.float32)[[line - begin for line in kept]]
            short = np.full(len(kept), _case_of(each.rows) == "long_short", np.float32)
            built = {"features": features[kept], "path": path[kept], "case": short, "side": side}
            inputs.append({name: built[name] for name in self._model.inputs})
            begin += len(places)
        return inputs

    def _opinions(self, outputs: Arrays, asked: _Asked) -> list[Opinion]:
        case = _case_of(asked.rows)
        alpha = self._card.alpha[case]
        confidence = self._card.confidence[case] if alpha else 0.0
        refusal = None if confidence else f"not accepted: {case} did not pass its report"
        spoken = iter(self._spoken(outputs, asked) if outputs else ())
        opinions: list[Opinion] = []
        for row, ewma, objection in zip(
            asked.gathered.first_rows,
            asked.gathered.volatility.tolist(),
            asked.objections,
            strict=True,
        ):
            if objection is not None:
                opinions.append(Opinion(row.baseline_pct, 1.0, 0.0, objection, ewma))
                continue
            multiplier, volatility, hit = next(spoken)
            gated = 1.0 + alpha * (multiplier - 1.0) if alpha else 1.0
            opinions.append(
                Opinion(row.baseline_pct, gated, confidence, refusal, ewma, volatility, hit)
            )
        return opinions

    def _spoken(self, outputs: Arrays, asked: _Asked) -> list[tuple[float, float, float]]:
        """Multiplier, volatility and hit probability of each model row.

        What is not finite, or a multiplier beyond 0 and 2, becomes NaN: the server then refuses
        the row.
        """
        details = self._details
        usable = [objection is None for objection in asked.objections]
        raw, correction, logit = (
            outputs[name].astype(np.float64)
            for name in ("multiplier", "log_volatility", "hit_logit")
        )
        with np.errstate(over="ignore", invalid="ignore"):
            multiplier = np.where((raw >= 0.0) & (raw <= 2.0), raw, np.nan)
            scale = np.exp(correction) * details.volatility_scale
            volatility = asked.gathered.volatility[usable] * scale
            hit = 1.0 / (1.0 + np.exp(-(details.hit_slope * logit + details.hit_intercept)))
        return list(zip(multiplier.tolist(), volatility.tolist(), hit.tolist(), strict=True))


def _case_of(rows: Sequence[SignalRow]) -> Case:
    """Call the portfolio long/short if any of its baselines is short."""
    short = any(row.baseline_pct is not None and row.baseline_pct < 0.0 for row in rows)
    return "long_short" if short else "long_flat"
