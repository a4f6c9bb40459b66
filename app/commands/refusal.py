"""The one way in which a command says no."""


class CommandRefused(Exception):
    """The command cannot do what was asked; the message is a sentence for the user."""
