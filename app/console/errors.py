"""The error of requests that the console refuses."""


class FormRefused(Exception):
    """A form or page request is refused.

    Parameters
    ----------
    status : int
        HTTP status of the error page.
    message : str
        A sentence for the person at the browser.
    retry_sec : int, optional
        Seconds after which it may be tried again.
    """

    def __init__(self, status: int, message: str, *, retry_sec: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_sec is None else {"Retry-After": str(retry_sec)}
