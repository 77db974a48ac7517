"""Every word a page shows, in Chinese and English: `static/texts.json`, one file for both sides.

The browser's modules read the same file. A key that is missing shows itself, so that a machine
word nobody has translated yet still says something; a test keeps the list whole.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from dashboards.settings import Lang

FILE = Path(__file__).parent / "static" / "texts.json"


@cache
def texts() -> Mapping[str, tuple[str, str]]:
    """Return key -> (Chinese, English)."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, tuple[str, str]])


class Words:
    """The texts in one language first; `other` is the second, shown small under titles."""

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang
        self.other_lang: Lang = "en" if lang == "zh" else "zh"

    def __call__(self, key: str, **values: object) -> str:
        """Return the text in the first language, its {places} filled."""
        return self._text(key, self.lang).format(**values)

    def other(self, key: str, **values: object) -> str:
        """Return the text in the second language."""
        return self._text(key, self.other_lang).format(**values)

    def word(self, group: str, word: str | None) -> str:
        """Return a machine word ("no_data") of a group ("reason"); an unknown one as it is."""
        return self._word(group, word, self.lang)

    def other_word(self, group: str, word: str | None) -> str:
        """Return the same in the second language."""
        return self._word(group, word, self.other_lang)

    def _word(self, group: str, word: str | None, lang: Lang) -> str:
        found = texts().get(f"{group}.{word}")
        return found[lang == "en"] if found else (word or "")

    def _text(self, key: str, lang: Lang) -> str:
        found = texts().get(key)
        return found[lang == "en"] if found else key
