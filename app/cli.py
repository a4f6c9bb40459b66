"""The ``himari`` command: words and options; what they do stands in ``app/commands``."""

import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="himari",
    help="HIMARI Layer 3: signals in, target positions within hard limits out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; what the user can mend is a sentence, never a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, _user_errors()):
            raise
        typer.echo("\n".join(f"himari: {line}" for line in str(error).splitlines()), err=True)
        sys.exit(1)


def _user_errors() -> tuple[type[Exception], ...]:
    return (
        import_module("app.commands.refusal").CommandRefused,
        import_module("app.core.errors").HimariError,
        import_module("app.settings").SettingsError,
        import_module("edge.tracing").TracingMissing,
    )


def _run_command(module: str, name: str, *args: Any, **options: Any) -> None:
    """Import a command only when it is said (numpy, SQL and HTTP take a second), and run it."""
    raise typer.Exit(getattr(import_module(module), name)(*args, **options))


@app.command()
def serve(
    ssl_certfile: Annotated[str | None, typer.Option(help="PEM certificate: serve TLS.")] = None,
    ssl_keyfile: Annotated[str | None, typer.Option(help="PEM private key of it.")] = None,
) -> None:
    """Start the service on HIMARI_HOST and HIMARI_PORT (127.0.0.1:8000)."""
    _run_command("app.commands.serve", "serve", ssl_certfile, ssl_keyfile)


@app.command()
def allocate(
    file: Annotated[str, typer.Argument(help="Batch as JSON; - is standard input.")],
    url: Annotated[str | None, typer.Option(help="Service; by default the settings' own.")] = None,
    api_key: Annotated[str | None, typer.Option(help="By default the first of API_KEYS.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Decide without keeping anything.")] = False,  # noqa: FBT002 (a flag)
    local: Annotated[bool, typer.Option(help="Compute in process, without a service.")] = False,  # noqa: FBT002 (a flag)
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer.")] = False,  # noqa: FBT002 (a flag)
) -> None:
    """Size one batch of signals and print the targets."""
    options = import_module("app.commands.allocate").AllocateOptions(
        url=url, api_key=api_key, dry_run=dry_run, local=local, as_json=as_json
    )
    _run_command("app.commands.allocate", "allocate", file, options)


@app.command()
def demo(
    days: Annotated[int | None, typer.Option(min=1, help="At most so many trading days.")] = None,
    guide: Annotated[bool, typer.Option(help="The deployment guide's example instead.")] = False,  # noqa: FBT002 (a flag)
    out: Annotated[Path, typer.Option(help="Directory of picture and report.")] = Path("out/demo"),
) -> None:
    """Play real prices through the service: fallback, RL mode, mock RL, dead RL endpoint."""
    if guide:
        _run_command("app.demo.guide", "run")
    options = import_module("app.demo").DemoOptions(days=days, out=out)
    _run_command("app.demo", "run", options)


@app.command()
def inference(
    host: Annotated[str | None, typer.Option(help="By default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="By default 8888.")] = None,
) -> None:
    """Start the inference server on HIMARI_INFERENCE_HOST and HIMARI_INFERENCE_PORT."""
    _run_command("app.commands.inference", "inference", host, port)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def train(context: typer.Context) -> None:
    """Train the policy; every argument, --help too, goes to the training itself."""
    _run_command("app.commands.train", "train", context.args)


@app.command()
def backtest(  # noqa: PLR0913, PLR0917 - each is an option of the command
    prices: Annotated[Path, typer.Option(help="CSV: a date column, then a column of closes each.")],
    as_json: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    html: Annotated[Path | None, typer.Option(help="Where the page goes.")] = None,
    record: Annotated[Path | None, typer.Option(help="Where what training reads goes.")] = None,
    returns: Annotated[Path | None, typer.Option(help="Where daily returns go, as CSV.")] = None,
    column: Annotated[str | None, typer.Option(help="[SYMBOL=]COLUMN: one instrument.")] = None,
    mode: Annotated[str, typer.Option(help="fallback, or rl for the learned policies.")] = (
        "fallback"
    ),
    short: Annotated[bool, typer.Option(help="Let the pipeline go short.")] = False,  # noqa: FBT002 (a flag)
    cost_bps: Annotated[float, typer.Option(help="Basis points of traded notional.")] = 5.0,
    span: Annotated[float, typer.Option(help="REBALANCE_SPAN, decisions.")] = 10.0,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    delay: Annotated[int, typer.Option(help="Closes between decision and trade: 0, 1.")] = 0,
    inference_url: Annotated[str | None, typer.Option(help="Ask this /predict for rl.")] = None,
    outcomes: Annotated[bool, typer.Option(help="Feed realised returns back.")] = True,  # noqa: FBT002 (a flag)
    only: Annotated[str, typer.Option(help="Policies to play, between commas.")] = "",
    portfolio_value: Annotated[float | None, typer.Option(help="USD at the start.")] = None,
) -> None:
    """Backtest a price file: Phase 2, benchmarks, and with --mode rl the learned policies."""
    options = import_module("app.backtest").BacktestOptions(
        prices=prices,
        json_path=as_json,
        html_path=html,
        record_path=record,
        returns_path=returns,
        column=column,
        mode=mode,
        short=short,
        cost_bps=cost_bps,
        span=span,
        start=start and start.date(),
        end=end and end.date(),
        delay=delay,
        inference_url=inference_url,
        outcomes=outcomes,
        only=tuple(name.strip() for name in only.split(",") if name.strip()),
        portfolio_value_usd=portfolio_value,
    )
    _run_command("app.commands.backtest", "backtest", options)


@app.command(name="init")
def initialise(
    directory: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    force: Annotated[bool, typer.Option(help="Overwrite what is there.")] = False,  # noqa: FBT002 (a flag)
) -> None:
    """Write himari.yaml with every default, and a batch to try."""
    _run_command("app.commands.starter", "write_starter", directory, force=force)


@app.command()
def doctor(  # noqa: PLR0913, PLR0917 - each is an option of the command
    production: Annotated[bool, typer.Option(help="Go through the production checklist.")] = False,  # noqa: FBT002 (a flag)
    only: Annotated[str, typer.Option(help="This item of the checklist alone.")] = "",
    caller_timeout: Annotated[float, typer.Option(help="Seconds that your callers wait.")] = 10.0,
    api_key: Annotated[str | None, typer.Option(help="By default the first of API_KEYS.")] = None,
    prometheus_url: Annotated[str | None, typer.Option(help="Who scrapes /metrics.")] = None,
    alertmanager_url: Annotated[str | None, typer.Option(help="Who sends alerts.")] = None,
    grafana_url: Annotated[str | None, typer.Option(help="Who shows dashboards.")] = None,
) -> None:
    """Say what would keep the service from working here, and how to mend it."""
    if not production and not only:
        _run_command("app.commands.doctor", "doctor")
    options = import_module("app.commands.doctor_verdict").ProductionOptions(
        only=only,
        caller_timeout_sec=caller_timeout,
        api_key=api_key,
        prometheus_url=prometheus_url,
        alertmanager_url=alertmanager_url,
        grafana_url=grafana_url,
    )
    _run_command("app.commands.doctor_production", "doctor_production", options)


@app.command()
def replay(
    database_url: Annotated[str | None, typer.Option(help="By default the settings' own.")] = None,
    decision: Annotated[str | None, typer.Option(help="Compare this decision alone.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many decisions.")] = None,
    stream: Annotated[int, typer.Option(min=0, help="Which process's stream.")] = 0,
) -> None:
    """Recompute journalled decisions and compare them; exit 1 on a difference."""
    _run_command(
        "app.commands.replay",
        "replay",
        database_url,
        decision_id=decision,
        limit=limit,
        stream=stream,
    )


@app.command()
def keys(
    what: Annotated[str, typer.Argument(help="new, list, hash or revoke.")],
    name: Annotated[str | None, typer.Argument(help="Of the key; not for list.")] = None,
    roles: Annotated[str, typer.Option(help="read, trade, operate, joined by +.")] = "trade",
    file: Annotated[Path | None, typer.Option(help="By default KEYS_FILE, or himari.keys.")] = None,
) -> None:
    """Make, list, hash and revoke API keys; a key is shown once and kept as its hash."""
    options = import_module("app.commands.keys").KeyOptions(name=name, roles=roles, file=file)
    _run_command("app.commands.keys", "keys", what, options)


if __name__ == "__main__":
    main()
