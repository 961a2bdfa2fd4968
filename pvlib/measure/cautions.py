"""Warnings of the measurement: a result is returned, but it means less than it seems.

Bad input is an error instead.
"""


class TieWarning(UserWarning):
    """The k-th and the (k+1)-th singular value tie within rounding: the top-k span is any of many."""


class PrecisionWarning(UserWarning):
    """The error bound of a P-vector is as large as the angle that it was used for."""


class ConventionWarning(UserWarning):
    """A centred P-vector is compared with an uncentred one: the angle says how the conventions differ, not networks."""


class NoDirection(ValueError):
    """Features without any direction: all zero, or all rows equal where they are centred."""
