r"""The learned policy: a bounded multiplier on the baseline, volatility and hit probability.

.. math:: w = \operatorname{clip}(w_2\,(1 + \alpha\,(m - 1)),\; -1,\; 1), \qquad 0 < m < 2

One symbol is one row of the model, however many signals name it. The answer is the baseline, with
confidence 0 and the reason, where the model is not used: too little history, features or an
interval outside those of training, or a case that did not pass its report. The name of a symbol
changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from inference_server.model.batch_features import build_batch_features, gather_batch_books
from inference_server.model.book import GatheredBook, select_symbols
from inference_server.model.card import Case, ModelCard
from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.model.multiplier_details import (
    MultiplierDetails,
    check_features,
    check_interval,
    feature_bounds,
    read_details,
)
from inference_server.model.onnx_model import OnnxModel
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.model.signal_alone import NO_BASELINE
from inference_server.model.symbol_prediction import SymbolPrediction, predict_row

MODEL: Final = "model.onnx"
INPUTS: Final = {
    "features": (len(FEATURES),),
    "path": (STEPS, len(CHANNELS)),
    "case": (),
    "side": (),
}
OUTPUTS: Final = frozenset({"multiplier", "log_volatility", "hit_logit"})


def setup(folder: Path, card: ModelCard, threads: int) -> "MultiplierPolicy":
    """Return the policy of a folder, its graph ``model.onnx`` checked.

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
class _DecodedRequest:
    """One request between ``decode`` and ``encode``.

    ``exclusions`` holds for each symbol why the model is not used, or None. The symbols with None
    are the rows of the model, in their order.
    """

    rows: Sequence[SignalRow]
    gathered: GatheredBook
    exclusions: list[str | None]


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
        """Return the model inputs: a row for each symbol that is not excluded."""
        return self.decode_all([rows])[0]

    def decode_all(self, requests: Sequence[Sequence[SignalRow]]) -> list[Decoded]:
        """Decode several requests in one call, which costs less than one by one.

        Parameters
        ----------
        requests : sequence of sequences of SignalRow, none of them empty

        Returns
        -------
        list of Decoded, one of each request, as `decode` would have made it but for rounding
        """
        parts = gather_batch_books(requests)
        decoded = [
            _DecodedRequest(rows, part, [self._exclusion(row) for row in part.first_rows])
            for rows, part in zip(requests, parts, strict=True)
        ]
        included = [i for i, request in enumerate(decoded) if None in request.exclusions]
        inputs: list[Arrays] = [{} for _ in decoded]
        for i, built in zip(included, self._inputs([decoded[i] for i in included]), strict=True):
            inputs[i] = built
        return [Decoded(*pair) for pair in zip(inputs, decoded, strict=True)]

    def predict(self, inputs: Arrays) -> Arrays:
        """Run the graph."""
        return self._model.run(inputs)

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        """Return for each row its baseline times the gated multiplier of its symbol."""
        request = decoded.context
        assert isinstance(request, _DecodedRequest)  # noqa: S101 - made by decode
        predictions = self._symbol_predictions(outputs, request)
        return [
            predict_row(row, predictions[symbol])
            for row, symbol in zip(request.rows, request.gathered.symbol_of_row, strict=True)
        ]

    def _exclusion(self, row: SignalRow) -> str | None:
        """Return why the model cannot be used for a symbol, as far as its row alone shows."""
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

    def _inputs(self, requests: Sequence[_DecodedRequest]) -> list[Arrays]:
        """Build the model inputs, and exclude symbols outside of the trained ranges."""
        if not requests:
            return []
        needed = self._card.min_returns
        # a symbol without a baseline still counts as a neighbour, if its history is long enough
        known = [
            [i for i, row in enumerate(request.gathered.first_rows) if row.returns.size >= needed]
            for request in requests
        ]
        books = [
            request.gathered.book
            if len(symbols) == len(request.gathered.first_rows)
            else select_symbols(request.gathered.book, symbols)
            for request, symbols in zip(requests, known, strict=True)
        ]
        features, path = build_batch_features(books)
        reasons = check_features(features, self._bounds)
        inputs: list[Arrays] = []
        begin = 0
        for request, symbols, book in zip(requests, known, books, strict=True):
            kept: list[int] = []
            for line, symbol in enumerate(symbols, start=begin):
                request.exclusions[symbol] = request.exclusions[symbol] or reasons[line]
                if request.exclusions[symbol] is None:
                    kept.append(line)
            side = book.side.astype(np.float32)[[line - begin for line in kept]]
            short = np.full(len(kept), _case_of(request.rows) == "long_short", np.float32)
            built = {"features": features[kept], "path": path[kept], "case": short, "side": side}
            inputs.append({name: built[name] for name in self._model.inputs})
            begin += len(symbols)
        return inputs

    def _symbol_predictions(
        self, outputs: Arrays, request: _DecodedRequest
    ) -> list[SymbolPrediction]:
        case = _case_of(request.rows)
        alpha = self._card.alpha[case]
        confidence = self._card.confidence[case] if alpha else 0.0
        refusal = None if confidence else f"not accepted: {case} did not pass its report"
        answers = iter(self._model_answers(outputs, request) if outputs else ())
        predictions: list[SymbolPrediction] = []
        for row, ewma, exclusion in zip(
            request.gathered.first_rows,
            request.gathered.volatility.tolist(),
            request.exclusions,
            strict=True,
        ):
            if exclusion is not None:
                predictions.append(SymbolPrediction(row.baseline_pct, 1.0, 0.0, exclusion, ewma))
                continue
            multiplier, volatility, hit = next(answers)
            gated = 1.0 + alpha * (multiplier - 1.0) if alpha else 1.0
            predictions.append(
                SymbolPrediction(
                    row.baseline_pct, gated, confidence, refusal, ewma, volatility, hit
                )
            )
        return predictions

    def _model_answers(
        self, outputs: Arrays, request: _DecodedRequest
    ) -> list[tuple[float, float, float]]:
        """Return multiplier, volatility and hit probability of each model row.

        A number that is not finite, or a multiplier beyond 0 and 2, becomes NaN: the server then
        refuses the row.
        """
        details = self._details
        usable = [exclusion is None for exclusion in request.exclusions]
        raw, correction, logit = (
            outputs[name].astype(np.float64)
            for name in ("multiplier", "log_volatility", "hit_logit")
        )
        with np.errstate(over="ignore", invalid="ignore"):
            multiplier = np.where((raw >= 0.0) & (raw <= 2.0), raw, np.nan)
            scale = np.exp(correction) * details.volatility_scale
            volatility = request.gathered.volatility[usable] * scale
            hit = 1.0 / (1.0 + np.exp(-(details.hit_slope * logit + details.hit_intercept)))
        return list(zip(multiplier.tolist(), volatility.tolist(), hit.tolist(), strict=True))


def _case_of(rows: Sequence[SignalRow]) -> Case:
    """Return long/short if any baseline is short, else long/flat."""
    short = any(row.baseline_pct is not None and row.baseline_pct < 0.0 for row in rows)
    return "long_short" if short else "long_flat"
