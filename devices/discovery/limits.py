"""How much work a template may cause, counted and not measured: the same everywhere, every time.

A template comes from whoever may announce, and runs at each message. A clock can't hold it: a
step that has begun can't be ended from outside. So each step is counted before it is taken, and so
is every character that it would read or write.
"""

LONGEST_TEXT = 65_536  # characters of any text that a template reads or makes
LONGEST_LIST = 4_096  # items of any list that a template makes
LARGEST_NUMBER = 10**30
STEPS = 8_000  # of all the templates that read one message: some 10 ms at the most
CHARACTERS = 64  # read or written in one step, about


class TemplateFault(Exception):
    """What keeps a template from being read or from ending; says what, in words."""


class Budget:
    """The steps that are left. Any step too many raises TemplateFault."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take so many steps. Raises TemplateFault when there are not so many left."""
        self.left -= steps
        if self.left < 0:
            raise TemplateFault(f"it takes more than {STEPS} steps")

    def text(self, made: str) -> str:
        """Return a text that was made or read, paid for by its length."""
        self.length(len(made))
        return made

    def length(self, characters: int) -> None:
        """Pay for a text of so many characters before it is made."""
        if characters > LONGEST_TEXT:
            raise TemplateFault(f"it makes a text of more than {LONGEST_TEXT} characters")
        self.spend(characters // CHARACTERS)

    def items(self, count: int) -> None:
        """Pay for a list of so many items before it is made."""
        if count > LONGEST_LIST:
            raise TemplateFault(f"it makes a list of more than {LONGEST_LIST} items")
        self.spend(count // 4)
