"""The core: tables, properties, an independent judge."""
