"""Play portfolios day by day as the service would decide them, from recorded days."""
