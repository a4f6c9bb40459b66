"""What the console itself turns away."""


class FormRefused(Exception):
    """A form that cannot be taken; the message is for the person.

    Parameters
    ----------
    status : int
        HTTP status of the page that says so.
    message : str
    retry_sec : int, optional
        Seconds after which it may be tried again.
    """

    def __init__(self, status: int, message: str, *, retry_sec: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_sec is None else {"Retry-After": str(retry_sec)}
