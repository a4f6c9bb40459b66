"""What ``make`` runs beside the tests: bench, chaos, stack, newcomer, reference pages."""
