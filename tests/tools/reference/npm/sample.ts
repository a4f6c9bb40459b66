// What a caller in TypeScript writes; it is checked, never run.
import type { components, operations, paths } from "./himari";

type AllocateRequest = components["schemas"]["AllocateRequest"];
type AllocateResponse = components["schemas"]["AllocateResponse"];
type Problem = components["schemas"]["Problem"];

const batch: AllocateRequest = {
  signals: [
    {
      strategy_id: "momentum_btc",
      symbol: "BTC-USD",
      action: "BUY",
      confidence: 0.85,
      risk_score: 0.25,
      regime: "TRENDING_UP",
      timestamp_ns: 1735226000000000000,
    },
  ],
  cascade_indicators: { funding_rate: 0.001, volume_ratio: 2.0 },
  current_prices: { "BTC-USD": 43500.0 },
};

// @ts-expect-error: no such action
batch.signals[0].action = "MAYBE";

// @ts-expect-error: a field that is not known
batch.portfolio = 1;

export async function allocate(url: string, key: string): Promise<AllocateResponse> {
  const path: keyof paths = "/allocate";
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: `Bearer ${key}`,
      "Idempotency-Key": crypto.randomUUID(),
    },
    body: JSON.stringify(batch),
  });
  if (!answer.ok) {
    const problem = (await answer.json()) as Problem;
    throw new Error(`${problem.status} ${problem.detail}`);
  }
  return (await answer.json()) as AllocateResponse;
}

export function explain(answer: AllocateResponse): string[] {
  const lines = answer.positions.map((row) => {
    const target = row.target_usd === null ? "no price" : `${row.target_usd.toFixed(2)} USD`;
    return `${row.symbol} ${target}`;
  });
  return answer.fallback_reason === null ? lines : [...lines, answer.fallback_reason];
}

export type Filters = operations["list_decisions"]["parameters"]["query"];
export const filters: Filters = { limit: 10, strategy: "rl" };
