"""Days played as the service would decide them: tapes, and replicas of what is served."""
