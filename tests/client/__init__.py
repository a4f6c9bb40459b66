"""The client against a real service, and against servers that misbehave."""
