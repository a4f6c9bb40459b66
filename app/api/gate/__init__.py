"""Who gets in, and when: keys, this machine alone, other origins, rates, turns, Idempotency-Keys."""
