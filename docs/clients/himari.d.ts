// Types of the HIMARI Layer 3 API, made from its OpenAPI document.
// `python -m tests.tools.reference.typescript` writes this file anew; a test compares the digest.
// openapi sha256: 19edc9b51e19862ae72a3741a65b12cc6532ae1c3436d04760af2778d4c0ea75

export interface paths {
    "/allocate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Size one batch of signals
         * @description Target positions within hard limits, always with the baseline beside them.
         *
         *     A batch without signals answers 200. Signals without a usable price are listed in
         *     ``rejected_signals``; the rest are sized. ``Idempotent-Replay: true`` marks a stored answer;
         *     ``Himari-Trading-State`` beside it is the state in effect now.
         */
        post: operations["allocate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process runs
         * @description Answer 200 while the event loop turns.
         */
        get: operations["get_liveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether to send requests here
         * @description 200 when decisions can be made and kept, else 503 with what is missing.
         */
        get: operations["get_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Prometheus metrics
         * @description All metrics of this process.
         */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/circuit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * State of the breaker
         * @description State, counts and the time until the next probe.
         */
        get: operations["get_circuit"];
        /**
         * Set the breaker's mode
         * @description Let outcomes decide (auto), block all calls (forced_open) or none (disabled).
         */
        put: operations["set_circuit_mode"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/circuit/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Force the breaker closed
         * @description Close it and restore the initial timeout; the body may be empty.
         */
        post: operations["reset_circuit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/outcomes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report realised returns
         * @description Feed the posterior, the conformal scaler and the comparison of policy and baseline.
         */
        post: operations["record_outcomes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/outcomes/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Withdraw outcomes
         * @description Take outcomes out of records and comparison as if they had never been posted.
         */
        post: operations["withdraw_outcomes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/market/returns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Feed the return history
         * @description Count returns once per symbol and timestamp; what is ignored is counted by reason.
         */
        post: operations["observe_returns"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/market/prices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Feed the price history
         * @description Count prices once per symbol and timestamp; what is ignored is counted by reason.
         */
        post: operations["observe_prices"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/market/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Believe a price
         * @description Take a price for true that was not believed; no return is learnt across it.
         */
        post: operations["accept_price"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/market/split": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell of a split
         * @description Divide past prices by the ratio; the returns stay as they are.
         */
        post: operations["split_symbol"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/market/forget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Forget a symbol
         * @description Forget what is known of a symbol's prices and returns.
         */
        post: operations["forget_symbol"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/signals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Signals in force
         * @description Show what is sized beside the next batch, by symbol and strategy.
         *
         *     There is none unless SIGNALS__STANDING is on.
         *     Needs the role trade.
         */
        get: operations["get_signals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/signals/{strategy_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End signals in force
         * @description End what stands of a strategy, on all symbols or on one; journalled where there was any.
         *
         *     Needs the role trade.
         */
        delete: operations["end_signals"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The policy against the baseline
         * @description Unpaired by arm, and paired over decisions whose outcomes are known.
         */
        get: operations["get_performance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/portfolio/correlations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Correlations of known symbols
         * @description Correlation matrix in the order of ``symbols``, and the diversification score.
         */
        get: operations["get_correlations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/portfolio/risk-budget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Use of every limit by the last decision
         * @description Show used and allowed USD by position, strategy and portfolio.
         */
        get: operations["get_risk_budget"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/portfolio/weights.csv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Weight history for attribution
         * @description Stream the weights of the decisions that match.
         */
        get: operations["get_weights_csv"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/decisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Decisions, newest first
         * @description One page; ``next_before_seq`` leads to the next.
         */
        get: operations["list_decisions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/decisions/{decision_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One decision with inputs, stages and both allocations
         * @description Everything the journal holds of one decision.
         */
        get: operations["get_decision"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/trading-state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * State of the kill switch
         * @description State, reason, since when, and how many switches were thrown so far.
         */
        get: operations["get_trading_state"];
        /**
         * Set the kill switch
         * @description ACTIVE trades, REDUCING only reduces, HALTED stays at the current positions, or at zero.
         *
         *     Answers when every decision that was made before was sent, after one second at most. With
         *     ``if_state_is`` it changes nothing and answers 409 unless that state is in effect.
         */
        put: operations["set_trading_state"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the service believes now
         * @description Show records, regimes, market, circuit, trading state, counts.
         */
        get: operations["get_state"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AcceptResponse
         * @description The price that is believed now.
         */
        AcceptResponse: {
            /** Symbol */
            symbol: string;
            /** Price */
            price: number;
            /**
             * Was
             * @description What was believed before; null where nothing was.
             */
            was: number | null;
        };
        /**
         * AllocateResponse
         * @description A decision, with the policy's allocation and the baseline's.
         */
        AllocateResponse: {
            /** Decision Id */
            decision_id: string;
            /**
             * Strategy
             * @description rl: at least one prediction was used.
             * @enum {string}
             */
            strategy: "rl" | "fallback";
            /**
             * Fallback Reason
             * @description Why no prediction was used: rl_disabled, circuit_open, timeout, connection_error, bad_status, invalid_prediction, low_confidence, overloaded, empty_batch.
             */
            fallback_reason: string | null;
            /**
             * Mode
             * @enum {string}
             */
            mode: "fallback" | "mock" | "real";
            /**
             * Allocations
             * @description Signed target of each symbol, USD.
             */
            allocations: {
                [key: string]: number;
            };
            /**
             * Baseline Allocations
             * @description The same without the policy.
             */
            baseline_allocations: {
                [key: string]: number;
            };
            /** Positions */
            positions: components["schemas"]["Position"][];
            /**
             * Total Allocated Usd
             * @description Gross: sum of absolute targets.
             */
            total_allocated_usd: number;
            /** Net Usd */
            net_usd: number;
            /**
             * Portfolio Value
             * @description USD that is used: the given one, or the last believed one.
             */
            portfolio_value: number;
            /**
             * Utilization Pct
             * @description Gross over portfolio value, percent.
             */
            utilization_pct: number;
            /**
             * Strategy Weights
             * @description Share of each strategy, sum 1.
             */
            strategy_weights: {
                [key: string]: number;
            };
            /** Drifted Strategies */
            drifted_strategies: string[];
            /**
             * Max Drift Pct
             * @description Largest relative drift, percent.
             */
            max_drift_pct: number;
            /**
             * Correlation Penalties
             * @description Phase 2 over Phase 1 size.
             */
            correlation_penalties: {
                [key: string]: number;
            };
            /**
             * Binding Limits
             * @description Limits that cut Phase 2's sizes or held positions; (limit, id) is unique. What limits cut from the policy's targets is the difference of rl_usd and its target.
             */
            binding_limits: components["schemas"]["BindingLimit"][];
            /** Rejected Signals */
            rejected_signals: components["schemas"]["RejectedSignal"][];
            /** Warnings */
            warnings: string[];
            cascade: components["schemas"]["Cascade"];
            risk: components["schemas"]["BookRisk"];
            policy: components["schemas"]["PolicySummary"];
            /** Portfolio Id */
            portfolio_id: string;
            /**
             * Trading State
             * @description In effect when it was decided.
             * @enum {string}
             */
            trading_state: "ACTIVE" | "REDUCING" | "HALTED";
            /**
             * Control Version
             * @description Switches thrown until it was decided; a smaller one than that of a PUT is of before it.
             */
            control_version: number;
            /**
             * Set Apart Usd
             * @description What positions without a price take of the gross room of new bets.
             */
            set_apart_usd: number;
            /** Notices */
            notices: components["schemas"]["NoticeEntry"][];
            /**
             * Regime
             * @description The most defensive regime of the batch.
             */
            regime: string;
            /**
             * Circuit State
             * @description closed, half_open or open.
             */
            circuit_state: string;
            /** Model Version */
            model_version: string | null;
            /**
             * Settings Hash
             * @description Of the parameters in force, as in GET /state.
             */
            settings_hash: string;
            /** Latency Ms */
            latency_ms: number;
            /**
             * Timestamp Ns
             * @description When decided, ns since 1970 UTC.
             */
            timestamp_ns: number;
        };
        /**
         * ArmResponse
         * @description Returns of one arm, unpaired.
         */
        ArmResponse: {
            /** Trades */
            trades: number;
            /** Mean Return */
            mean_return: number;
            /** Std Return */
            std_return: number;
            /**
             * Sharpe
             * @description Mean over standard deviation, not annualised.
             */
            sharpe: number;
        };
        /**
         * BindingLimit
         * @description A limit that held a size down.
         */
        BindingLimit: {
            /**
             * Limit
             * @description Level: position, strategy, portfolio or group.
             */
            limit: string;
            /**
             * Id
             * @description Whose limit.
             */
            id: string;
            /** Limit Usd */
            limit_usd: number;
            /**
             * Requested Usd
             * @description What its members asked for in Phase 1, and what held positions are worth.
             */
            requested_usd: number;
            /**
             * Shadow Price
             * @description Gain of utility a unit if this limit alone were wider; null where it cut held positions or the solver gave no answer.
             */
            shadow_price: number | null;
        };
        /**
         * BookRisk
         * @description Predicted risk of the targets; positions that are set apart have no part in it.
         */
        BookRisk: {
            /**
             * Volatility
             * @description Standard deviation of the portfolio's return over horizon_sec, a fraction.
             */
            volatility: number;
            /**
             * Es 95
             * @description Expected loss beyond the 95 % quantile, normal, mean 0: 2.063 volatilities.
             */
            es_95: number;
            /** Horizon Sec */
            horizon_sec: number;
            /**
             * Contributions
             * @description Share of each symbol in the variance; they sum to 1, a hedge's is negative.
             */
            contributions: {
                [key: string]: number;
            };
            current: components["schemas"]["CurrentRisk"];
        };
        /**
         * BudgetRow
         * @description Use of one limit.
         */
        BudgetRow: {
            /**
             * Level
             * @description position, strategy or portfolio.
             */
            level: string;
            /** Identifier */
            identifier: string;
            /** Used Usd */
            used_usd: number;
            /** Limit Usd */
            limit_usd: number;
            /**
             * Utilization Pct
             * @description Percent of the limit.
             */
            utilization_pct: number;
        };
        /**
         * Cascade
         * @description Assessment of the liquidation cascade.
         */
        Cascade: {
            /**
             * Risk Score
             * @description 0 calm to 1.
             */
            risk_score: number;
            /**
             * Recommendation
             * @description In force: tightened at once, eased after three periods.
             * @enum {string}
             */
            recommendation: "MONITOR" | "REDUCE_50%" | "REDUCE_75%" | "EXIT";
            /**
             * Score Recommendation
             * @description What the score alone says.
             * @enum {string}
             */
            score_recommendation: "MONITOR" | "REDUCE_50%" | "REDUCE_75%" | "EXIT";
            /**
             * Components
             * @description Each indicator's part, 0 to 1.
             */
            components: {
                [key: string]: number;
            };
        };
        /**
         * CircuitResponse
         * @description State of the circuit breaker.
         */
        CircuitResponse: {
            /**
             * State
             * @enum {string}
             */
            state: "closed" | "half_open" | "open";
            /**
             * Mode
             * @enum {string}
             */
            mode: "auto" | "forced_open" | "disabled";
            /** Failure Count */
            failure_count: number;
            /** Consecutive Failures */
            consecutive_failures: number;
            /** Current Timeout Sec */
            current_timeout_sec: number;
            /** Time Until Retry Sec */
            time_until_retry_sec: number;
            /** Total Requests */
            total_requests: number;
            /** Total Failures */
            total_failures: number;
            /** Total Fallbacks */
            total_fallbacks: number;
            /**
             * Success Rate
             * @description 0 to 1; 1 when idle.
             */
            success_rate: number;
            /** Last Failure Reason */
            last_failure_reason: string | null;
        };
        /**
         * Contribution
         * @description One signal's part of a symbol's target, or that of an owner who sent nothing.
         */
        Contribution: {
            /**
             * Strategy Id
             * @description null: a held part that no strategy stands behind.
             */
            strategy_id: string | null;
            /** Final Usd */
            final_usd: number;
            stages: components["schemas"]["Stages"];
        };
        /**
         * CorrelationAlert
         * @description A pair above the alert correlation.
         */
        CorrelationAlert: {
            /** Symbols */
            symbols: [
                string,
                string
            ];
            /** Correlation */
            correlation: number;
        };
        /**
         * CorrelationsResponse
         * @description Correlations as the optimisation uses them.
         */
        CorrelationsResponse: {
            /**
             * Symbols
             * @description Order of rows and columns.
             */
            symbols: string[];
            /** Matrix */
            matrix: number[][];
            /**
             * Joint Returns
             * @description Bars that each pair has in common, 199 at most.
             */
            joint_returns: number[][];
            /**
             * Prior Correlation
             * @description Taken for pairs with too few of them.
             */
            prior_correlation: number;
            /** Diversification Score */
            diversification_score: number | null;
            /** Alerts */
            alerts: components["schemas"]["CorrelationAlert"][];
        };
        /**
         * CurrentRisk
         * @description Predicted risk of what is held now.
         */
        CurrentRisk: {
            /** Volatility */
            volatility: number;
            /** Es 95 */
            es_95: number;
        };
        /**
         * DecisionsResponse
         * @description A page of the journal, newest first.
         */
        DecisionsResponse: {
            /** Decisions */
            decisions: components["schemas"]["JournalledDecision"][];
            /**
             * Next Before Seq
             * @description before_seq of the next page; null: no more.
             */
            next_before_seq: number | null;
        };
        /**
         * EndSignalsResponse
         * @description How many signals stand no more.
         */
        EndSignalsResponse: {
            /** Ended */
            ended: number;
        };
        /**
         * ForgetResponse
         * @description A symbol that was forgotten.
         */
        ForgetResponse: {
            /** Symbol */
            symbol: string;
            /**
             * Bars
             * @description Returns that are gone.
             */
            bars: number;
        };
        /**
         * HealthResponse
         * @description Liveness.
         */
        HealthResponse: {
            /**
             * Status
             * @constant
             */
            status: "alive";
        };
        /**
         * IgnoredObservations
         * @description How many symbols were ignored, by reason.
         */
        IgnoredObservations: {
            /**
             * Older
             * @description Not newer than what is known.
             */
            older: number;
            /**
             * Ahead
             * @description Stamped too far ahead of the clock.
             */
            ahead: number;
            /**
             * No Price
             * @description Null, zero or negative.
             */
            no_price: number;
            /**
             * Disbelieved
             * @description Too far from the last believed price, unconfirmed.
             */
            disbelieved: number;
            /**
             * No Room
             * @description MARKET__MAX_SYMBOLS are tracked already.
             */
            no_room: number;
        };
        /**
         * JournalledDecision
         * @description A decision as the journal has it.
         */
        JournalledDecision: {
            /** Decision Id */
            decision_id: string;
            /**
             * Seq
             * @description Place in the journal, from 1.
             */
            seq: number;
            /** Journalled Ns */
            journalled_ns: number;
            /**
             * Request Id
             * @description X-Request-ID of the request that asked for it; null: none.
             */
            request_id?: string | null;
            /**
             * State Version
             * @description Last event that the decision knew.
             */
            state_version: number;
            /**
             * Request
             * @description The batch, validated; `standing` are the signals in force beside its own.
             */
            request: {
                [key: string]: unknown;
            };
            /**
             * Policy
             * @description What the policy answered.
             */
            policy: {
                [key: string]: unknown;
            } | null;
            answer: components["schemas"]["AllocateResponse"];
        };
        /**
         * NoticeEntry
         * @description A notice in one word, with its sentence, which warnings have too.
         */
        NoticeEntry: {
            /** What */
            what: string;
            /** Symbol */
            symbol: string | null;
            /** Detail */
            detail: string;
        };
        /**
         * ObservationsResponse
         * @description What became of market observations; symbols are counted.
         */
        ObservationsResponse: {
            /** Accepted */
            accepted: number;
            /**
             * Ignored
             * @description Sum of the reasons.
             */
            ignored: number;
            reasons: components["schemas"]["IgnoredObservations"];
        };
        /**
         * OutcomesResponse
         * @description What became of the outcomes.
         */
        OutcomesResponse: {
            /** Accepted */
            accepted: number;
            /**
             * Duplicates
             * @description Counted before; each (decision, symbol) counts once.
             */
            duplicates: number;
            /** Rejected */
            rejected: components["schemas"]["RejectedOutcome"][];
        };
        /**
         * PairedResponse
         * @description Paired comparison over decisions that have both allocations; null while data are few.
         */
        PairedResponse: {
            /** N */
            n: number;
            /** Mean Difference */
            mean_difference: number | null;
            /** Ci Low */
            ci_low: number | null;
            /** Ci High */
            ci_high: number | null;
            /** Probability Rl Better */
            probability_rl_better: number | null;
        };
        /**
         * PerformanceResponse
         * @description The policy against Phase 2.
         */
        PerformanceResponse: {
            rl: components["schemas"]["ArmResponse"];
            baseline: components["schemas"]["ArmResponse"];
            /**
             * Rl Advantage
             * @description Difference of the unpaired means.
             */
            rl_advantage: number;
            paired: components["schemas"]["PairedResponse"];
        };
        /**
         * PolicySummary
         * @description What became of the rows that the policy was asked.
         */
        PolicySummary: {
            /** Asked */
            asked: number;
            /** Used */
            used: number;
            /**
             * Abstained
             * @description Rows below the least confidence, by the model's own reason; 10 at most, the rest under other.
             */
            abstained: {
                [key: string]: number;
            };
            /** Unusable */
            unusable: number;
            /**
             * Book
             * @description Forecast of the whole book.
             * @enum {string}
             */
            book: "used" | "abstained" | "unusable" | "none";
            /**
             * Mode
             * @enum {string}
             */
            mode: "live" | "shadow";
            /** Canary */
            canary: boolean;
        };
        /**
         * Position
         * @description Target and trade of one symbol.
         */
        Position: {
            /** Symbol */
            symbol: string;
            /**
             * Target Usd
             * @description Signed; contributions add up to it. null: set apart.
             */
            target_usd: number | null;
            /**
             * Target Quantity
             * @description target_usd over price; whole lots where the symbol has a lot and is traded.
             */
            target_quantity: number;
            /**
             * Weight
             * @description Signed fraction of portfolio value. null: set apart.
             */
            weight: number | null;
            /** Current Quantity */
            current_quantity: number;
            /**
             * Trade Quantity
             * @description target_quantity - current_quantity; whole lots where both are.
             */
            trade_quantity: number;
            /**
             * Trade Usd
             * @description null where there is no price.
             */
            trade_usd: number | null;
            /**
             * Price
             * @description USD a unit at which the position is valued; null where there is none.
             */
            price: number | null;
            /**
             * Price Source
             * @description given: of current_prices; last: the last believed one; none: no price.
             * @enum {string}
             */
            price_source: "given" | "last" | "none";
            /**
             * Price Age Sec
             * @description Time of the batch less the price's stamp.
             */
            price_age_sec: number | null;
            /**
             * Set Apart
             * @description Held without a usable price: it keeps its quantity, counts in no limit and takes its last known value of the gross room of new bets.
             */
            set_apart: boolean;
            /** Contributions */
            contributions: components["schemas"]["Contribution"][];
        };
        /**
         * ReadyResponse
         * @description Readiness and what it rests on.
         */
        ReadyResponse: {
            /**
             * Status
             * @enum {string}
             */
            status: "ready" | "not ready";
            /** Mode */
            mode?: ("fallback" | "mock" | "real") | null;
            /**
             * Journal
             * @description ok, or why nothing can be decided.
             */
            journal?: string | null;
            /** Draining */
            draining?: boolean | null;
        };
        /**
         * RejectedOutcome
         * @description An outcome that was not counted.
         */
        RejectedOutcome: {
            /** Index */
            index: number;
            /** Reason */
            reason: string;
        };
        /**
         * RejectedSignal
         * @description A signal that was not sized.
         */
        RejectedSignal: {
            /**
             * Index
             * @description Place in the request's signals; standing ones are named in warnings.
             */
            index: number;
            /** Symbol */
            symbol: string;
            /** Reason */
            reason: string;
        };
        /**
         * RiskBudgetResponse
         * @description Use of every limit by the newest decision of this process.
         */
        RiskBudgetResponse: {
            /** Limits */
            limits: components["schemas"]["BudgetRow"][];
            /** Settings Hash */
            settings_hash: string;
        };
        /**
         * SignalsResponse
         * @description Signals in force.
         */
        SignalsResponse: {
            /**
             * Signals
             * @description By symbol and strategy.
             */
            signals: components["schemas"]["StandingSignal"][];
        };
        /**
         * SplitResponse
         * @description A split that was taken into account.
         */
        SplitResponse: {
            /** Symbol */
            symbol: string;
            /** Ratio */
            ratio: number;
            /**
             * Bars
             * @description Returns that are kept, unchanged.
             */
            bars: number;
        };
        /**
         * Stages
         * @description What each stage left of a signal's size, signed USD.
         */
        Stages: {
            /**
             * Kelly Usd
             * @description Bayesian Kelly.
             */
            kelly_usd: number;
            /**
             * Conformal Usd
             * @description After conformal scaling.
             */
            conformal_usd: number;
            /**
             * Sentiment Usd
             * @description After the sentiment tilt.
             */
            sentiment_usd: number;
            /**
             * Regime Usd
             * @description After the regime multiplier.
             */
            regime_usd: number;
            /**
             * Cascade Usd
             * @description After the cascade multiplier.
             */
            cascade_usd: number;
            /**
             * Portfolio Usd
             * @description Share of the symbol's Phase 2 target.
             */
            portfolio_usd: number;
            /**
             * Rl Usd
             * @description Share after the blend with the policy.
             */
            rl_usd: number;
            /**
             * Final Usd
             * @description Share of the final target.
             */
            final_usd: number;
        };
        /**
         * StandingSignal
         * @description A signal in force, with the fields of its batch.
         */
        StandingSignal: {
            /** Strategy Id */
            strategy_id: string;
            /** Symbol */
            symbol: string;
            /**
             * Action
             * @enum {string}
             */
            action: "STRONG_BUY" | "BUY" | "SELL" | "STRONG_SELL";
            /** Confidence */
            confidence: number;
            /** Risk Score */
            risk_score: number;
            /**
             * Regime
             * @enum {string}
             */
            regime: "trending_up" | "ranging" | "trending_down" | "high_volatility" | "crisis";
            /** Timestamp Ns */
            timestamp_ns: number;
            /** Expected Return */
            expected_return: number | null;
            /** Predicted Volatility */
            predicted_volatility: number | null;
            /** Signal Strength */
            signal_strength: number | null;
            /** Sentiment Score */
            sentiment_score: number | null;
            /** Sentiment Confidence */
            sentiment_confidence: number | null;
            /** Valid For Sec */
            valid_for_sec: number | null;
            /**
             * Source
             * @description Where it came in: allocate.
             */
            source: string;
            /**
             * Until Ns
             * @description Last moment at which it is in force, ns since 1970 UTC.
             */
            until_ns: number;
        };
        /**
         * StateResponse
         * @description Everything the service believes now; more fields may come.
         */
        StateResponse: {
            /**
             * Mode
             * @enum {string}
             */
            mode: "fallback" | "mock" | "real";
            /** Settings Hash */
            settings_hash: string;
            /**
             * Params
             * @description Every number that decisions depend on.
             */
            params: {
                [key: string]: unknown;
            };
            /**
             * State Version
             * @description Last event of the journal.
             */
            state_version: number;
            trading_state: components["schemas"]["TradingStateResponse"];
            circuit: components["schemas"]["CircuitResponse"];
            /**
             * Policy
             * @description Counts of the policy client.
             */
            policy: {
                [key: string]: unknown;
            } | null;
            /** Total Decisions */
            total_decisions: number;
            /** Rl Decisions */
            rl_decisions: number;
            /** Fallback Decisions */
            fallback_decisions: number;
            /** Rl Usage Rate */
            rl_usage_rate: number;
            /**
             * Regimes
             * @description Effective regime of each symbol.
             */
            regimes: {
                [key: string]: string;
            };
            /**
             * Strategies
             * @description Record of each strategy.
             */
            strategies: {
                [key: string]: unknown;
            };
            /**
             * Market
             * @description What is known of each symbol.
             */
            market: {
                [key: string]: unknown;
            };
            performance: components["schemas"]["PerformanceResponse"];
        };
        /**
         * TradingStateResponse
         * @description The kill switch.
         */
        TradingStateResponse: {
            /**
             * State
             * @enum {string}
             */
            state: "ACTIVE" | "REDUCING" | "HALTED";
            /** Reason */
            reason: string | null;
            /**
             * Since Ns
             * @description ns since 1970 UTC; 0 when never set.
             */
            since_ns: number;
            /**
             * Flatten
             * @description HALTED at zero instead of the current positions.
             */
            flatten: boolean;
            /**
             * Actor
             * @description Name of the API key that set it; "" without keys.
             */
            actor: string;
            /**
             * Control Version
             * @description Switches thrown so far; a decision with a smaller one was made before.
             */
            control_version: number;
            /** Portfolio Id */
            portfolio_id: string;
        };
        /**
         * WithdrawResponse
         * @description Outcomes that count no more.
         */
        WithdrawResponse: {
            /** Withdrawn */
            withdrawn: number;
            /**
             * Unknown
             * @description Never counted, without a decision, or too old.
             */
            unknown: number;
        };
        /**
         * AcceptRequest
         * @description A price that is to be believed.
         */
        AcceptRequest: {
            /**
             * Portfolio Id
             * @description The book; absent or null is `default`.
             * @default null
             */
            portfolio_id?: string | null;
            /**
             * Reason
             * @description Why; kept in the journal.
             */
            reason: string;
            /**
             * Symbol
             * @description Instrument that is known.
             */
            symbol: string;
            /**
             * Price
             * @description USD a unit.
             */
            price: number;
        };
        /**
         * AllocateRequest
         * @description One batch of signals to size.
         */
        AllocateRequest: {
            /**
             * Signals
             * @description May be empty; the order does not matter. With SIGNALS__STANDING each replaces what stood for its strategy and symbol, HOLD ends it, and what stands of all others is sized with them.
             */
            signals: {
                /**
                 * Strategy Id
                 * @description Who signals; any name of the caller's choosing.
                 */
                strategy_id: string;
                /**
                 * Symbol
                 * @description Instrument, as in current_prices.
                 * @example BTC-USD
                 */
                symbol: string;
                /**
                 * Action
                 * @description What the strategy wants done, in either case.
                 * @enum {string}
                 */
                action: "STRONG_BUY" | "BUY" | "HOLD" | "SELL" | "STRONG_SELL" | "strong_buy" | "buy" | "hold" | "sell" | "strong_sell";
                /**
                 * Confidence
                 * @description Weight of the claim, 0 to 1.
                 */
                confidence: number;
                /**
                 * Risk Score
                 * @description For journal and model only, 0 to 1.
                 */
                risk_score: number;
                /**
                 * Regime
                 * @description Market regime of the symbol, in either case.
                 * @enum {string}
                 */
                regime: "TRENDING_UP" | "RANGING" | "TRENDING_DOWN" | "HIGH_VOLATILITY" | "CRISIS" | "CRISIS_FLIGHT" | "trending_up" | "ranging" | "trending_down" | "high_volatility" | "crisis" | "crisis_flight";
                /**
                 * Timestamp Ns
                 * @description When the signal was made, ns since 1970 UTC; at most SIGNALS__MAX_AHEAD_SEC ahead of the clock, else the signal is rejected.
                 */
                timestamp_ns: number;
                /**
                 * Expected Return
                 * @description Return of the trade over its horizon; positive is favourable.
                 * @default null
                 */
                expected_return?: number | null;
                /**
                 * Predicted Volatility
                 * @description Standard deviation of the return over the same horizon.
                 * @default null
                 */
                predicted_volatility?: number | null;
                /**
                 * Signal Strength
                 * @description For journal and model only.
                 * @default null
                 */
                signal_strength?: number | null;
                /**
                 * Sentiment Score
                 * @description 0 bearish to 1 bullish.
                 * @default null
                 */
                sentiment_score?: number | null;
                /**
                 * Sentiment Confidence
                 * @description Weight of the score.
                 * @default null
                 */
                sentiment_confidence?: number | null;
                /**
                 * Horizon Sec
                 * @description Horizon of both claims and of the outcome, seconds; SIGNALS__HORIZON_SEC where absent or null.
                 * @default null
                 */
                horizon_sec?: number | null;
                /**
                 * Valid For Sec
                 * @description With SIGNALS__STANDING: how long it stays in force, from its stamp on; SIGNALS__VALID_FOR_SEC where absent. It never refuses a signal.
                 * @default null
                 */
                valid_for_sec?: number | null;
            }[];
            cascade_indicators: components["schemas"]["CascadeBody"];
            /**
             * Current Prices
             * @description Price of each symbol in USD a unit; of a contract price x multiplier. One that is null, zero or negative is none of that symbol: the last believed one counts, if it is not too old; else its signals are rejected and its position is set apart, or closed where that is asked for.
             */
            current_prices: {
                [key: string]: number | null;
            };
            /**
             * Portfolio Value
             * @description USD; the setting PORTFOLIO_VALUE where absent or null. One that is too far from the last believed one is not used.
             * @default null
             */
            portfolio_value?: number | null;
            /**
             * Current Positions
             * @description Signed quantity of each symbol, no cash among them: it would count as a position; absent or null means flat.
             * @default null
             */
            current_positions?: {
                [key: string]: number;
            } | null;
            /**
             * Market Data
             * @description Any JSON object, for journal and model; at most 64 levels deep.
             * @default null
             */
            market_data?: {
                [key: string]: unknown;
            } | null;
            /**
             * Portfolio Id
             * @description `default` where absent; agrees with the header Himari-Portfolio.
             * @default null
             */
            portfolio_id?: string | null;
        };
        /**
         * CascadeBody
         * @description What announces a liquidation cascade; fields left out take a calm market's value.
         */
        CascadeBody: {
            /**
             * Funding Rate
             * @description Perpetual funding rate.
             * @default 0
             */
            funding_rate?: number;
            /**
             * Oi Change Pct
             * @description Change of open interest, fraction.
             * @default 0
             */
            oi_change_pct?: number;
            /**
             * Volume Ratio
             * @description Volume over its usual level.
             * @default 1
             */
            volume_ratio?: number;
            /**
             * Onchain Whale Pressure
             * @description Selling pressure of whales.
             * @default 0
             */
            onchain_whale_pressure?: number;
            /**
             * Exchange Netflow Zscore
             * @description Net flow to exchanges in standard deviations.
             * @default 0
             */
            exchange_netflow_zscore?: number;
        };
        /**
         * CircuitModeRequest
         * @description The breaker's mode.
         */
        CircuitModeRequest: {
            /**
             * Mode
             * @description auto, forced_open (no calls) or disabled (all calls).
             * @enum {string}
             */
            mode: "auto" | "forced_open" | "disabled";
            /**
             * Reason
             * @description Why; kept in the journal.
             * @default null
             */
            reason?: string | null;
        };
        /**
         * ErrorEntry
         * @description One broken field.
         */
        ErrorEntry: {
            /**
             * Path
             * @description Dotted, as in signals.0.confidence.
             */
            path: string;
            /** Message */
            message: string;
            /**
             * Was
             * @description The offending value; null where missing.
             * @default null
             */
            was?: unknown;
        };
        /**
         * ForgetRequest
         * @description A symbol whose prices and returns are to be forgotten.
         */
        ForgetRequest: {
            /**
             * Portfolio Id
             * @description The book; absent or null is `default`.
             * @default null
             */
            portfolio_id?: string | null;
            /**
             * Reason
             * @description Why; kept in the journal.
             */
            reason: string;
            /**
             * Symbol
             * @description Instrument that is known.
             */
            symbol: string;
        };
        /**
         * OutcomesRequest
         * @description Realised returns, each counted once.
         */
        OutcomesRequest: {
            /** Outcomes */
            outcomes: {
                /**
                 * Symbol
                 * @description Instrument.
                 */
                symbol: string;
                /**
                 * Realized Return
                 * @description The symbol's own simple return over the decision's horizon, >= -1.
                 */
                realized_return: number;
                /**
                 * Decision Id
                 * @description The decision it belongs to, if known.
                 * @default null
                 */
                decision_id?: string | null;
                /**
                 * Used Rl
                 * @description Without decision_id: whether the trade followed the policy.
                 * @default null
                 */
                used_rl?: boolean | null;
                /**
                 * Strategy Id
                 * @description Without decision_id: whose record it feeds, with both predictions.
                 * @default null
                 */
                strategy_id?: string | null;
                /**
                 * Predicted Return
                 * @description What had been expected.
                 * @default null
                 */
                predicted_return?: number | null;
                /**
                 * Predicted Volatility
                 * @description Over the same horizon.
                 * @default null
                 */
                predicted_volatility?: number | null;
            }[];
        };
        /**
         * PricesRequest
         * @description Prices of one moment; counted once per symbol and timestamp, older ones ignored.
         */
        PricesRequest: {
            /**
             * Timestamp Ns
             * @description ns since 1970 UTC, from 2000 on. One ahead of the clock counts as now, and further than SIGNALS__MAX_AHEAD_SEC not at all.
             */
            timestamp_ns: number;
            /**
             * Prices
             * @description Price of each symbol in USD; null, 0 or less says that there is none.
             */
            prices: {
                [key: string]: number | null;
            };
        };
        /**
         * Problem
         * @description RFC 9457 problem details.
         */
        Problem: {
            /**
             * Type
             * @description urn:himari:problem:...
             */
            type: string;
            /** Title */
            title: string;
            /** Status */
            status: number;
            /** Detail */
            detail: string;
            /**
             * Instance
             * @description Path of the request.
             */
            instance: string;
            /**
             * Request Id
             * @description As in X-Request-ID and the log.
             * @default null
             */
            request_id?: string | null;
            /**
             * Errors
             * @default null
             */
            errors?: components["schemas"]["ErrorEntry"][] | null;
        };
        /**
         * ReasonRequest
         * @description An optional reason.
         */
        ReasonRequest: {
            /**
             * Reason
             * @description Why; kept in the journal.
             * @default null
             */
            reason?: string | null;
        };
        /**
         * ReturnsRequest
         * @description Returns of one moment; counted once per symbol and timestamp, older ones ignored.
         */
        ReturnsRequest: {
            /**
             * Timestamp Ns
             * @description ns since 1970 UTC, from 2000 on. One ahead of the clock counts as now, and further than SIGNALS__MAX_AHEAD_SEC not at all.
             */
            timestamp_ns: number;
            /**
             * Returns
             * @description Simple return of each symbol, >= -1.
             */
            returns: {
                [key: string]: number;
            };
        };
        /**
         * SplitRequest
         * @description A split of a symbol.
         */
        SplitRequest: {
            /**
             * Portfolio Id
             * @description The book; absent or null is `default`.
             * @default null
             */
            portfolio_id?: string | null;
            /**
             * Reason
             * @description Why; kept in the journal.
             */
            reason: string;
            /**
             * Symbol
             * @description Instrument that is known.
             */
            symbol: string;
            /**
             * Ratio
             * @description New units per old one; past prices are divided by it.
             */
            ratio: number;
        };
        /**
         * TradingStateRequest
         * @description The kill switch.
         */
        TradingStateRequest: {
            /**
             * State
             * @description ACTIVE, REDUCING or HALTED, in either case.
             * @enum {string}
             */
            state: "ACTIVE" | "REDUCING" | "HALTED" | "active" | "reducing" | "halted";
            /**
             * Reason
             * @description Why; kept in the journal.
             * @default null
             */
            reason?: string | null;
            /**
             * Flatten
             * @description With HALTED: every target is zero, not the current position.
             * @default false
             */
            flatten?: boolean;
            /**
             * Rebase
             * @description Let the brakes forget peak, last value and day, as after a withdrawal.
             * @default false
             */
            rebase?: boolean;
            /**
             * If State Is
             * @description Change nothing and answer 409 unless this state is in effect.
             * @default null
             */
            if_state_is?: ("ACTIVE" | "REDUCING" | "HALTED" | "active" | "reducing" | "halted") | null;
            /**
             * Portfolio Id
             * @description Act on this portfolio; on all of them where absent.
             * @default null
             */
            portfolio_id?: string | null;
        };
        /**
         * WithdrawRequest
         * @description Outcomes that are to count as if they had never been posted.
         */
        WithdrawRequest: {
            /**
             * Portfolio Id
             * @description The book; absent or null is `default`.
             * @default null
             */
            portfolio_id?: string | null;
            /**
             * Reason
             * @description Why; kept in the journal.
             */
            reason: string;
            /** Outcomes */
            outcomes: components["schemas"]["WithdrawnOutcome"][];
        };
        /**
         * WithdrawnOutcome
         * @description An outcome by its decision and symbol.
         */
        WithdrawnOutcome: {
            /**
             * Decision Id
             * @description The decision that it was posted to.
             */
            decision_id: string;
            /**
             * Symbol
             * @description Instrument.
             */
            symbol: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    allocate: {
        parameters: {
            query?: {
                /** @description true: answer without deciding; nothing is recorded or learnt. */
                dry_run?: "true" | "false";
            };
            header?: {
                /** @description The same key with the same raw body gets the stored answer, byte for byte, for 24 h and also while the first is in flight; with another body 409. Ignored by a dry run. */
                "Idempotency-Key"?: string;
                /** @description As portfolio_id; both must agree. */
                "Himari-Portfolio"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AllocateRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AllocateResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The Idempotency-Key was used with another body, or the trading state is another than `if_state_is`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_liveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthResponse"];
                };
            };
        };
    };
    get_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyResponse"];
                };
            };
            /** @description Starting, draining or no journal. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyResponse"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Text format, or OpenMetrics where asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_circuit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CircuitResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    set_circuit_mode: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CircuitModeRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CircuitResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reset_circuit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ReasonRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CircuitResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    record_outcomes: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same raw body gets the stored answer and teaches nothing again, for 24 h; with another body 409. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OutcomesRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutcomesResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The Idempotency-Key was used with another body, or the trading state is another than `if_state_is`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    withdraw_outcomes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WithdrawRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WithdrawResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    observe_returns: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReturnsRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObservationsResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    observe_prices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PricesRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ObservationsResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    accept_price: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    split_symbol: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SplitRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SplitResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    forget_symbol: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForgetRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ForgetResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_signals: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignalsResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_signals: {
        parameters: {
            query?: {
                /** @description This symbol alone; all where absent. */
                symbol?: string;
            };
            header?: never;
            path: {
                strategy_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndSignalsResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_performance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PerformanceResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_correlations: {
        parameters: {
            query?: {
                /** @description Symbols between commas; all where absent. */
                symbols?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CorrelationsResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_risk_budget: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RiskBudgetResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_weights_csv: {
        parameters: {
            query?: {
                /** @description Most decisions; each gives a line per symbol. */
                limit?: number;
                /** @description Page back: next_before_seq of the page before. */
                before_seq?: number;
                /** @description Who decided. */
                strategy?: "rl" | "fallback";
                /** @description Why it was Phase 2. */
                fallback_reason?: string;
                /** @description Decisions that name this symbol. */
                symbol?: string;
                /** @description Decisions with a signal or a held part of this strategy. */
                strategy_id?: string;
                /** @description Not older than that, ns since 1970 UTC. */
                since_ns?: number;
                /** @description Not newer than that, ns since 1970 UTC. */
                until_ns?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One line per decision and symbol, header first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_decisions: {
        parameters: {
            query?: {
                /** @description Most decisions. */
                limit?: number;
                /** @description Page back: next_before_seq of the page before. */
                before_seq?: number;
                /** @description Who decided. */
                strategy?: "rl" | "fallback";
                /** @description Why it was Phase 2. */
                fallback_reason?: string;
                /** @description Decisions that name this symbol. */
                symbol?: string;
                /** @description Decisions with a signal or a held part of this strategy. */
                strategy_id?: string;
                /** @description Not older than that, ns since 1970 UTC. */
                since_ns?: number;
                /** @description Not newer than that, ns since 1970 UTC. */
                until_ns?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecisionsResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_decision: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                decision_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JournalledDecision"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_trading_state: {
        parameters: {
            query?: {
                /** @description `default` where absent. */
                portfolio_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TradingStateResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    set_trading_state: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TradingStateRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TradingStateResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key lacks the role, or a page of another origin asks for a change. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The Idempotency-Key was used with another body, or the trading state is another than `if_state_is`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes, fields or signals. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not plain JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_state: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateResponse"];
                };
            };
            /** @description No valid API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request breaks the schema or a range; it changed nothing. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key asks too often; retry after Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The head of the request is too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unexpected error; the log has it under the request id. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Overloaded, draining, the journal cannot be written (retry after Retry-After), or no API key is set and the request is not from this machine. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
