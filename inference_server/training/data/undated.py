"""Panels without times: price relatives of online portfolio selection, as wealth of one unit.

The ranges are those documented for these data sets, which the OLPS toolbox [1]_ distributes too.
From 1990 on they were checked against the S&P 500: counted back from the last bar, the mean returns
of the New York panels fall on its very trading days (correlations of 0.8 to 0.98, of 0.6 in 2000).
Days spread evenly over the range lie within 12 calendar days of those. DJIA is documented from
2001-01-14 on, but its first return is that of 2001-01-04. TSE fits its range (0.46); of MSCI, whose
closes are not simultaneous, and of NYSE (O) nothing could be checked.

Adjustment for dividends is not documented. The companies are large ones and partly those of the
panel ``stocks``: whoever trains on these and tests on that has to cut both at the same date.

References
----------
.. [1] Li, Sahoo and Hoi (2016), "OLPS: A Toolbox for On-Line Portfolio Selection", JMLR 17.
"""

from datetime import date
from typing import Final

from inference_server.training.data.packages import UNIVERSAL
from inference_server.training.data.sources import Calendar, DataFile, Repair, Source


def _undated(
    name: str,
    sha256: str,
    calendar: Calendar,
    what: str,
    repairs: tuple[Repair, ...] = (),
) -> Source:
    file = DataFile(UNIVERSAL, f"universal/data/{name}.csv", sha256, date_format=None)
    return Source(name, what, (file,), calendar=calendar, repairs=repairs)


NYSE_OLD: Final = _undated(
    "nyse_o",
    "b2f26e2ce08d12871b631f02c0990637ab7bde02c2a90f4f804b0dd24cb6820d",
    Calendar(date(1962, 7, 2), date(1984, 12, 31)),
    "36 NYSE stocks, unnamed, wealth of one unit; prices moved in eighths, so 12 % of the returns "
    "are zero.",
)
NYSE_NEW: Final = _undated(
    "nyse_n",
    "5d93272c7571f85a4285dd805c78729091f7d123d918b4a9af0ba778f2d13e62",
    Calendar(date(1984, 12, 31), date(2010, 6, 30)),
    "23 NYSE stocks, unnamed, wealth of one unit. Companies and years overlap those of `stocks`.",
)
TSE: Final = _undated(
    "tse",
    "07bb28c765ec7a156fbbe3003c4b02267aa55a7f20a3d0424c487cd79f277d34",
    Calendar(date(1994, 1, 3), date(1998, 12, 31)),
    "88 Toronto stocks, unnamed, wealth of one unit; thinly traded, 15 % of the returns are zero.",
    (
        Repair(
            "blank",
            "TSE32",
            690,
            691,
            "halved for two days (x 0.493), then back (x 1.939): a misprint, not a price",
        ),
    ),
)
MSCI: Final = _undated(
    "msci",
    "6bb6274267d54d5613d839423029133f1cb885a721824ce7a79c382ef91f844c",
    Calendar(date(2006, 3, 31), date(2010, 3, 31)),
    "24 MSCI country indices, unnamed, wealth of one unit; closes of one day are not simultaneous.",
)
DJIA: Final = _undated(
    "djia",
    "c31b8dddb98863a3d1a1e7706767d75dc1e048eb86c0de5bd4dfb9cec9180a5c",
    Calendar(date(2001, 1, 3), date(2003, 1, 14)),
    "30 Dow Jones stocks, unnamed, wealth of one unit.",
    (
        Repair(
            "rejoin",
            "DJIA16",
            470,
            470,
            "x 0.403 on 2002-11-19, the day AT&T first traded without its cable business: "
            "holders received the rest as shares",
        ),
    ),
)
SP500: Final = _undated(
    "sp500",
    "f58a9749352a2cf79150b82986da994e6b58a24abc113ee8437109ccc2d4247a",
    Calendar(date(1998, 1, 2), date(2003, 1, 31)),
    "25 largest stocks of the S&P 500 as of 2003, unnamed, wealth of one unit: chosen afterwards. "
    "Companies and years overlap those of `stocks`.",
)
