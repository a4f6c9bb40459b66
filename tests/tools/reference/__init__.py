"""Pages and types made from the code: ``make reference``."""
