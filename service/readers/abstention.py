"""The line by which a language model says that the passages do not answer, found in a stream of pieces."""

import re
from itertools import pairwise

from service.records import LONGEST_SENTENCE

ABSTAIN = "NOT_IN_SOURCES"
"""What the prompt asks for; shared by the prompt and the search for it."""

# Models change the case, escape the underscores as Markdown, or write the words apart.
_LINE = re.compile(r"(?i:not\\?[_-]in\\?[_-]sources)|NOT IN SOURCES")

# Where one sentence is over and the next has begun: its stop, closing quotes and trailing [markers], then
# something visible. Sentences found this way only decide how much text is held back, never what is said.
_MARKERS = r"(?:\s*[\[【][^\[\]【】]*[\]】])*"
_STOP = rf"""[.!?…]["'”’»)]*{_MARKERS}\s+"""
_WIDE_STOP = rf"""[。！？]["”」』）]*{_MARKERS}\s*(?!["”」』）])"""
_LINE_BREAK = r"(?<=\S)[ \t]*\n\s*"
_END = re.compile(rf"(?:{_STOP}|{_WIDE_STOP}|{_LINE_BREAK})(?=[^\s\[【])")


class AbstentionWatch:
    """Holds each sentence of a stream back until it is whole, so that one with the line in it is never seen.

    A first sentence with the line in it is the model's abstaining: `abstained` turns true and nothing more is
    passed on. A later one is dropped. Everything else comes out as it went in. `spoke` is true once any words
    have gone on. Text without an end of a sentence is held back up to LONGEST_SENTENCE.
    """

    def __init__(self) -> None:
        self.abstained = False
        self.spoke = False
        self._heard: list[str] = []
        self._held = ""

    @property
    def heard(self) -> str:
        """All that came in."""
        return "".join(self._heard)

    def feed(self, piece: str) -> str:
        """Take in the next piece; returns the text that may go on, which may be empty."""
        self._heard.append(piece)
        self._held += piece
        text = self._release([match.end() for match in _END.finditer(self._held)])
        if len(self._held) > LONGEST_SENTENCE:
            text += self._release([len(self._held)])
        # Known before the sentence is over, so that nobody waits for what the model explains after it.
        self.abstained = self.abstained or (not self.spoke and bool(_LINE.search(self._held)))
        return text

    def finish(self) -> str:
        """The rest of the text, once nothing more comes."""
        return self._release([len(self._held)])

    def _release(self, ends: list[int]) -> str:
        """Pass on the sentences up to each end, but for those with the line in them."""
        passed = []
        for start, end in pairwise([0, *ends]):
            sentence = self._held[start:end]
            if self.abstained or _LINE.search(sentence):
                self.abstained = self.abstained or not self.spoke
            else:
                self.spoke = self.spoke or bool(sentence.strip())
                passed.append(sentence)
        self._held = self._held[ends[-1] :] if ends else self._held
        return "".join(passed)
