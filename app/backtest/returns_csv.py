"""Daily returns as CSV, for a spreadsheet or another program."""

import csv
from io import StringIO

from app.backtest.results import Results
from app.pipeline.spreadsheet import number_cell, text_cell


def write_returns(results: Results) -> str:
    """Write the daily returns of every played policy.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
        CSV: a header, then a row a day. ``date`` is the day on whose close the return ends; the
        other columns are simple returns net of cost, with all their digits.
    """
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["date", *map(text_cell, results.played)])
    columns = [each.run.returns.tolist() for each in results.played.values()]
    for day, *returns in zip(results.dates[1:], *columns, strict=True):
        lines.writerow([str(day), *map(number_cell, returns)])
    return text.getvalue()
