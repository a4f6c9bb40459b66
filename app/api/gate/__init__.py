"""Who gets in, and when: keys, locality, other origins, rates, turns, Idempotency-Keys."""
