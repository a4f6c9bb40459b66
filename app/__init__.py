"""HIMARI Layer 3: position sizing as a service.

The way of one batch of signals, a line per step with its file::

    settings/                    environment and YAML file, read once; nothing below main sees them
    main.py                      settings in, application out: wiring only
    lifecycle.py                 the graceful end: not ready at once, accepting a little longer
    api/gate/middleware.py       request id, limits of the head, admission, last resort
    api/gate/early_refusal.py    503 at the head of a request while more come than can be served
    api/gate/admission.py        how many at once, and whose turn it is
    api/gate/access.py           which key and role a request needs; core/access.py has the keys
    api/gate/locality.py         without keys this machine alone is served
    api/gate/browser.py          no page of another origin changes anything
    api/strict_route.py          query and body as the endpoint's signature names them
    api/request/body.py          a body within bounds of bytes and time
    api/request/strict_json.py   exact JSON within bounds of depth and size
    api/request/schemas.py       names, ranges and refusals; straight into the core's nouns
    api/gate/idempotency.py      one decision a key
    pipeline/service.py          what the service can do: decide, learn, operate, show
    pipeline/decide.py          one decision with its effects; pipeline/engine.py holds the state
    pipeline/allocate.py         the whole way of one decision: draft, ask the policy, finish
        core/signals.py              signals as columns in one canonical order
        core/portfolio/held.py       positions valued and cut by the limits
        core/beliefs.py               what prices, regimes and outcomes have taught so far
        core/stages/cascade.py       the multiplier a of sizes and limits
        core/brakes.py               kill switch and sanity brakes, with their reasons
        core/phase1.py               each signal alone: Kelly, conformal, sentiment, regime
        core/portfolio/netting.py    one side a symbol, and who owns it
        core/portfolio/phase2.py     multi-asset Kelly under hard limits
        pipeline/ask_policy.py       the policy through core/policy/breaker.py, in a deadline
        adapters/policy/http.py      one batch call; policy_mock is a seeded stand-in
        core/policy/blend.py                Phase 2 moved towards the policy by its confidence
        core/settle.py               trading state, slow trading, lots, every limit once more
    pipeline/answer.py         the answer in the words of the wire
    pipeline/event_log.py        the decision as an event; the state is a fold (pipeline/events.py)
    adapters/journal/sql.py      SQLite or PostgreSQL: on disk before the caller is answered
    adapters/telemetry/prometheus.py        counters and gauges of GET /metrics
    api/response/problems.py     one table from an error to its problem+json

Beside that way: ``console/`` is the operator's page, on a session that a key opened;
``pipeline/notices.py`` sees what people are told, ``adapters/notify/notifier.py`` tells them;
``adapters/reload.py`` reads the configuration again; ``facade`` is the same engine in process,
``client`` is for callers and needs nothing of the server, ``replay.py`` recomputes decisions from
the journal alone, ``backtest`` plays price files through the pipeline, ``demo`` real prices through
the service, ``cli.py`` is the command. Imports go inward: main, settings, console, api and
adapters, pipeline, core.
"""
