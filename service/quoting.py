"""What others wrote, made fit to stand in a prompt between fences that nobody but us can open or close."""

import re
import secrets

_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Characters that a person does not see and a model does: controls, zero-width spaces, direction overrides
# and the tag block. Joiners stay, because several scripts are misspelt without them.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def new_fence() -> str:
    """A code for the fences of one request; nobody who wrote an article or a question can know it."""
    return secrets.token_hex(8)


def quoted(text: str, fence: str) -> str:
    """Somebody else's text as it may stand between fences: visible characters only, and never the fence.

    The opening of the control tokens of chat templates (`<|`) is broken by a space, because some servers
    read such tokens wherever they stand.
    """
    if not fence:
        raise ValueError("the fence is empty, expected a code such as new_fence() makes")
    text = _UNSEEN.sub("", _BREAK.sub("\n", text))
    while fence in text:
        text = text.replace(fence, "")
    return text.replace("<|", "< |")


def quoted_line(text: str, fence: str) -> str:
    """The same on one line, so that a title or a message cannot look like several."""
    return " ".join(quoted(text, fence).split())
