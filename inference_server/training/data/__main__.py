"""``python -m inference_server.training.data``: fetch, check, print the table, write CSV files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inference_server.training.data.catalogue import find_sources
from inference_server.training.data.errors import TrainingDataError
from inference_server.training.data.panels import Panel, load_panels
from inference_server.training.data.price_csv import write_csv
from inference_server.training.data.quality import format_table
from inference_server.training.data.resample import resample_daily
from inference_server.training.data.sources import DAY_SEC, Source

Names = Annotated[list[str] | None, typer.Argument(help="Panels; by default all of them.")]
Cache = Annotated[Path, typer.Option(help="Folder of the fetched data files.")]
CsvFolder = Annotated[Path | None, typer.Option("--csv", help="Also write daily CSV files here.")]


def show_panels(names: Names = None, cache: Cache = Path("data"), csv: CsvFolder = None) -> None:
    """Fetch the training panels, check them, and print what they hold."""
    try:
        sources = find_sources(names or [])
        panels = load_panels(names or [], cache)
    except TrainingDataError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    typer.echo(format_table(panels, [_origin(source) for source in sources]))
    for source in sources:
        typer.echo(f"\n{source.name}: {source.what}")
        for repair in source.repairs:
            typer.echo(f"  {repair.kind} {repair.symbol}, bar {repair.first}: {repair.reason}")
    if csv is not None:
        for daily in map(_daily, panels):
            write_csv(daily, csv / f"{daily.name}.csv")


def _daily(panel: Panel) -> Panel:
    return panel if panel.interval_sec >= DAY_SEC else resample_daily(panel)


def _origin(source: Source) -> str:
    return ", ".join(
        f"{package.name} {package.version} ({package.licence})" for package in source.packages
    )


if __name__ == "__main__":
    typer.run(show_panels)
