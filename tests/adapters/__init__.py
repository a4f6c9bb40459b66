"""Adapters against real stores and real loopback servers that misbehave."""
