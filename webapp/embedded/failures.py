"""The one exception whose text is meant for the person at the terminal."""


class UnableToStart(Exception):
    """Nothing can be started until a person acts.

    The message is one line that says what is wrong and what to do about it; the command prints
    it without a traceback and ends with a non-zero status.
    """
