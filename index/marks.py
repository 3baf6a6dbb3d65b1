"""Reference marks: the numbers by which a source points to its own notes, such as `[2]`, `[a]`, `[^1]` or `²`."""

NUMBER = r"\[\s?\d{1,3}(?:\s?(?:,(?!\d{3}\b)|[–-])\s?\d{1,3}){0,8}\s?\]"
"""A mark of numbers: `[2]`, `[2, 5]`, `[2–5]`, not `[1,200]`; it may stand behind a space."""

FOOTNOTE = r"\[\^[^\[\]\s]{1,32}\]"
"""A mark of Markdown: `[^1]`, `[^note]`."""

ATTACHED = (
    # Not behind an opening quotation mark or bracket; a straight one opens where a space is before it.
    rf"(?:(?:(?<=[^\s(\[{{“‘«„\"'])|(?<=[^\s(\[][\"'])){NUMBER}|(?<=\S){FOOTNOTE}"
    # A letter only behind punctuation, since an editor writes "minister[s]"; m² and km³ are units.
    r"|(?<=[^\w\s])\[(?:[a-z]|(?:note|nb|n|Anm\.|nota)\s\d{1,3}|citation needed)\](?!\w)"
    r"|(?:(?<=[^\w\s])|(?<=[^\W\d_]{4})(?<!meter)(?<!metre)(?<!meters)(?<!metres))[⁰¹²³⁴-⁹]{1,3}(?!\w))"
)
"""A mark right behind a word, a stop or another mark."""
