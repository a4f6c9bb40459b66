"""The way of one request, in order; what it needs of the world as ports."""
