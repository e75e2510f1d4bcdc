"""The exception that integrations raise and catch."""


class DemistoException(Exception):
    """A failure with a readable text.

    message     text, or whatever was given; str() of the exception is this alone
    exception   the exception that caused it, or None
    res         the `requests.Response` behind it, or None
    """

    def __init__(self, message, exception=None, res=None, *args):
        super().__init__(message, exception, *args)
        self.message = message
        self.exception = exception
        self.res = res

    def __str__(self):
        return str(self.message)
