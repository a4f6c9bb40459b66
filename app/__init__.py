"""HIMARI Layer 3: position sizing as a service.

The way of one batch of signals, a line per step with its file::

    settings/                      environment and YAML file, read once; the one door to both
    main.py                        settings in, application out: wiring only
    edge/lifecycle.py              the graceful end: not ready at once, accepting a little longer
    edge/request_id.py             an id for each request, in every line of edge/json_log.py
    edge/middleware.py             heads that make sense; what nothing else knew becomes a 500
    api/gate/middleware.py         admission
    api/gate/admission.py          whose turn it is
    api/gate/early_refusal.py      under overload, refused at the head
    api/gate/access.py             who may: core/access.py knows keys and roles; without keys
    edge/locality.py               this machine alone
    edge/browser.py                no page of another origin
    api/routes/allocate.py         the endpoint, one file per resource
    api/strict_route.py            body and query read as the endpoint declares them
    api/request/body.py            a body within bounds of bytes and time
    api/request/strict_json.py     exact JSON within bounds of depth and values
    api/request/schemas.py         names, ranges and refusals; straight into the core's nouns
    api/gate/idempotency.py        one decision a key
    pipeline/service.py            what the service can do; decisions go on to the next line,
    pipeline/learning.py           outcomes and prices are learnt here,
    pipeline/operating.py          operators act here,
    pipeline/showing.py            and whoever asks is answered here
    pipeline/decide.py             one decision with its effects
    pipeline/engine.py             the state and its one way to change: an event in the log
        core/decision/observe.py       the batch observed: the only step that learns
            core/signals.py                signals as columns in one canonical order
            core/beliefs.py                what prices, regimes and outcomes have taught (books/)
            core/stages/cascade.py         the multiplier a of sizes and limits
            core/brakes.py                 kill switch and sanity brakes, with their reasons
        core/decision/draft.py         both phases, up to where the policy is asked
            core/phase1.py                 each signal alone: Kelly, conformal, sentiment, regime
            core/limits/held.py            held positions cut by the limits
            core/limits/rows.py            room under the limits; kinds/ has a file a kind
            core/portfolio/netting.py      one side a symbol, and who owns it
            core/portfolio/phase2.py       multi-asset Kelly under hard limits
        pipeline/ask_policy.py         the policy through core/policy/breaker.py, in a deadline
            adapters/policy/http.py        one batch call; adapters/policy/mock.py is a stand-in
        core/decision/conclude.py      the tail that every caller shares
            core/decision/finish.py        Phase 2 moved towards the policy (core/policy/blend.py)
            core/decision/settle.py        slow trading, every limit once more
            core/decision/lots.py          whole lots and least notionals, of the held ones too
            core/decision/targets.py       every symbol's target; HALTED, REDUCING, no target
    pipeline/answer.py             the answer in the words of the wire
    pipeline/event_log.py          the decision as an event
    pipeline/events.py             the state is a fold over the events
    adapters/journal/sql.py        SQLite or PostgreSQL: on disk before the caller is answered
    adapters/telemetry/            counters and gauges of GET /metrics
    api/response/problems.py       one table from an error to its problem+json

Beside that way: ``console/`` is the operator's page, on a session that a key opened;
``pipeline/notices.py`` makes notices for people, ``adapters/notify/`` sends them;
``adapters/reload.py`` reads the configuration again; ``facade`` is the same engine in process,
``client`` is for callers and needs nothing of the server, ``replay.py`` recomputes decisions from
the journal alone, ``backtest`` plays price files through the pipeline, ``demo`` real prices through
the service (``history`` and ``processes`` are what the two share), ``cli.py`` is the command.
Imports go inward: main, settings, console, api and adapters, pipeline, core.
"""
