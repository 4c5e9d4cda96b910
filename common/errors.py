"""The one exception that stands for a user's mistake, not for a defect of the kit."""


class UserError(Exception):
    """Says what happened, what was expected and how to fix it; the command line exits with 2."""
