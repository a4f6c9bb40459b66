"""Texts of the evidence page: how the figures were made, and what did not work."""

from typing import Final

METHOD: Final = (
    (
        "Every figure is of the served portfolio: the model's answer blended, projected on the "
        "limits, smoothed (REBALANCE_SPAN 10), charged for trading and carried by prices, as "
        "`POST /allocate` does it. The figures come from a replica of that path, which asks the "
        "model day by day with the position that its own answers led to; tests play the same "
        "days over the wire, through both servers, and find the same returns (Phase 2 to 1e-9, a "
        "multiplier to 1e-6). Phase 2 itself was recorded by `himari backtest --record`: the "
        "allocation service decided every day of every panel."
    ),
    (
        "Four expanding folds (2003, 2008, 2013, 2018), 20 trading days purged before each, 40 "
        "for panels whose dates are estimated. A fold's model speaks only on the fold's own "
        "days, in every universe. The test folds guided the design: the trial log counts every "
        "configuration that was looked at, fixed rules included, and the deflated ratio uses "
        "that count."
    ),
    (
        "Everything the model sees is seen from the baseline's side, which makes mirrored "
        "prices indistinguishable by construction, and long/flat books are trained on mirrored "
        "prices too: the drift of stocks that survived pays nothing in training."
    ),
    (
        "The forecasts of volatility and hits are of the price alone, whichever side the baseline "
        "is on; both cases have the same. The base rate that the hit probability is held to is "
        "that of the very outcomes, which nobody knew in advance."
    ),
    (
        "The large anchor makes the fit a ridge, and the spread of the logit is fixed "
        "beforehand. Weak anchors (0.05 to 1), 55 features, perceptrons, and features chosen on "
        "data before 2003 gained less out of sample; they are in the trial log."
    ),
)

REMARKS: Final = {
    "gates": (
        (
            "Confidence is 1 where alpha is 1 and 0 where alpha is 0. With alpha 0 the server "
            "answers the baseline with confidence 0 and the reason `not accepted`, and the "
            "service allocates Phase 2."
        ),
    ),
    "robustness": (
        (
            "The placebo moves each symbol's multipliers in time, among days of the same side. "
            "Where moved multipliers gain as much as real ones, the gain is no timing: it is a "
            "lasting tilt between instruments and sides, or lower cost."
        ),
        (
            "On shuffled time nothing in the past tells of the future but each instrument's own "
            "drift. Long/short the policy gains 0.11 there, most of what it gains on real days: by "
            "trading less, and by leaning to the side of the drift. Long/flat it gains nothing on "
            "either."
        ),
    ),
    "phase2": (
        (
            "Phase 2 sizes by claims of textbook signals (momentum over 20, 60 and 250 days, "
            "reversal over 5), whose edge was small after 2003. Long/short it pays for every "
            "change of side at once. It loses to benchmarks that hold stocks throughout a "
            "rising market; better signals mend it, not sizing."
        ),
    ),
    "failures": (
        (
            "In training the held position is the one that Phase 2 leads to; what the model's own "
            "answers lead to is played in these figures, but not learnt from."
        ),
        (
            "Taking each symbol's mean return out of the objective, over the days of training or "
            "as a centred one-year mean, leaves only timing to be learnt: the linear multiplier "
            "then lost 0.16 and 0.11 Sharpe long/short on the stocks, and drift-neutral it gained "
            "nothing. We found no timing in these features after 2003. With a weak anchor (0.1 to "
            "1) such fits gain up to 0.17 drift-neutral, in two folds of four, and lose 0.07 to "
            "0.50 of what was earned (looked at once, without the limits' exact projection)."
        ),
        (
            "Long/flat, on the stocks: no configuration gained more than 0.04 Sharpe, and none "
            "significantly."
        ),
        (
            "Cross-sectional reversal over five days gained 0.2 Sharpe and more on the NYSE "
            "panel of 1962 to 1984 and on Toronto, and nothing after 2003: the features stay, "
            "their weight is small."
        ),
        (
            "Following Phase 2 more slowly (held position as a feature) halves the turnover "
            "and loses as much as it saves."
        ),
        (
            "The direction of one day is hardly to be had from these features: the hit probability "
            "is better than the base rate, but not by the half per cent that was aimed at. Of ten "
            "days it is better by 1.3 % long/short and worse by 0.1 % long/flat, for the share of "
            "stocks that rise moves from decade to decade by more than can be foretold (looked at "
            "once; no command repeats it)."
        ),
    ),
}
