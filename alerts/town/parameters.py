"""The parameters of a rule, as the town file names them."""

import msgspec


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule's parameters with their defaults; the field names are the names in the town file."""
