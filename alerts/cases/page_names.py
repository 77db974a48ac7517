"""A page's id, and what it says. The same page has the same id for ever."""

import msgspec


class PageName(msgspec.Struct, frozen=True):
    """What a page's id says: `{alert}-{rung}.{round}-{person}-{contact}`."""

    alert: str
    rung: int  # 1-based
    round: int
    person: str
    contact: int

    @property
    def id(self) -> str:
        """Return the name as text, which `page_name` reads back."""
        return f"{self.alert}-{self.rung}.{self.round}-{self.person}-{self.contact}"


def page_name(id: str) -> PageName | None:
    """Read a page's id; None where it is not one."""
    alert, _, rest = id.partition("-")
    step, _, rest = rest.partition("-")
    person, _, contact = rest.rpartition("-")
    rung, _, round = step.partition(".")
    if not (alert and person and rung.isdecimal() and round.isdecimal() and contact.isdecimal()):
        return None
    return PageName(alert, int(rung), int(round), person, int(contact))
