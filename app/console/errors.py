"""What the console itself turns away."""


class FormRefused(Exception):
    """A form that cannot be taken; the message is for the person.

    Parameters
    ----------
    status : int
        HTTP status of the page that says so.
    message : str
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
