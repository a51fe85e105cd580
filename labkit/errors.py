"""The one base of the errors that a user can mend."""


class LabError(Exception):
    """Its message says what was expected, what was found and what to do; the command line shows no traceback for it."""
