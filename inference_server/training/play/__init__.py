"""Days played as the service would decide them: tapes of Phase 2, and replicas of what is served."""
