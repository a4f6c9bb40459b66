"""One decision, step by step: observe, draft, finish, settle, targets, conclude."""
