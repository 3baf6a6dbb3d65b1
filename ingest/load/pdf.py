"""PDF files: the text of the pages, with its paragraphs restored."""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from ingest.load.article import BODY_LIMIT, RawArticle, clean_line, path_id
from ingest.load.files import ArticleFile, read_bytes
from ingest.report import ArticleRejected, megabytes, short_repr

if TYPE_CHECKING:
    from pypdf import PdfReader

PDF_FILE_LIMIT = 100_000_000
# Titles that programs write if the author states none.
_NO_TITLE = re.compile(
    r"\W*|untitled(?: document|\W?\d+)?|microsoft (?:word|powerpoint)\b.*"
    r"|(?:.* )?\S+\.(?:docx?|indd|pdf|rtf|odt|qxd|pages|tex|dvi|html?)",
    re.IGNORECASE,
)
_TITLE_LENGTH = 200
# A line shorter than this share of the full lines of its page is the last of its paragraph.
_SHORT = 0.75
_BROKEN_WORD = re.compile(r"(?<![^\W\d_])(?P<first>[^\W\d_]+)-\n(?P<rest>[^\W\d_]+)")
_SENTENCE_END = re.compile(r"[.!?…:。！？][\"'”’»)\]]*$")


def parse_pdf(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .pdf file, with headers, footers and page numbers; raises as `read_bytes`.

    Raises:
        ArticleRejected: The file is corrupt, encrypted, or a scan without text.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, DeprecationError, FileNotDecryptedError, PyPdfError

    data = read_bytes(file, PDF_FILE_LIMIT)
    try:
        reader = PdfReader(BytesIO(data))
        title, body = _title(reader), join_lines(_pages(reader, file.origin))
    except FileNotDecryptedError as error:
        reason = "the PDF is encrypted with a password: save it without one"
        raise ArticleRejected(file.origin, reason, "encrypted") from error
    # pypdf raises its own errors, and any error that a corrupt object makes Python raise.
    except (PyPdfError, DependencyError, DeprecationError, ArithmeticError, AssertionError, AttributeError, LookupError,
            NotImplementedError, OSError, RecursionError, TypeError, ValueError) as error:  # fmt: skip
        reason = f"the PDF is corrupt or truncated ({type(error).__name__}: {short_repr(str(error))}): save it again"
        raise ArticleRejected(file.origin, reason, "bad_pdf") from error
    if not body.strip():
        raise ArticleRejected(file.origin, "the PDF has no text (is it a scan?): run OCR on it first", "empty")
    yield RawArticle(file.origin, path_id(file), {"body": body, "title": title})


def _pages(reader: "PdfReader", origin: str) -> Iterator[str]:
    size = 0
    for page in reader.pages:
        text = page.extract_text()
        size += len(text)
        if size > BODY_LIMIT:
            reason = f"the text is larger than {megabytes(BODY_LIMIT)}: split it into articles"
            raise ArticleRejected(origin, reason, "too_large")
        yield text


def _title(reader: "PdfReader") -> str | None:
    stated = reader.metadata.title if reader.metadata else None
    title = clean_line(stated) if isinstance(stated, str) else ""
    return None if len(title) > _TITLE_LENGTH or _NO_TITLE.fullmatch(title) else title


def join_lines(pages: Iterable[str]) -> str:
    """Join the lines of pages to paragraphs of one line each, with a blank line between them.

    A paragraph ends at a blank line, or with a line clearly shorter than the full lines of its page unless the next
    line begins in lower case. A paragraph continues on the next page unless its last line ends a sentence.
    """
    paragraphs: list[str] = []
    for page in pages:
        found = list(_paragraphs(page))
        if paragraphs and found and found[0][:1].islower() and not _SENTENCE_END.search(paragraphs[-1][-20:]):
            paragraphs[-1] += "\n" + found.pop(0)
        paragraphs += found
    return re.sub(r"(?<!\n)\n(?!\n)", " ", _without_hyphenation("\n\n".join(paragraphs)))


def _paragraphs(page: str) -> Iterator[str]:
    lines = [line.strip() for line in page.splitlines()]
    lengths = sorted(len(line) for line in lines if line)
    full = lengths[int(len(lengths) * 0.9)] if lengths else 0
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line:
            paragraph.append(line)
        is_short = len(line) < _SHORT * full and not line.endswith(("-", ","))
        if paragraph and (not line or not following or (is_short and not following[:1].islower())):
            yield "\n".join(paragraph)
            paragraph = []


def _without_hyphenation(text: str) -> str:
    """Join the words that a line end divides.

    A word keeps its hyphen if the text contains it with a hyphen elsewhere, or if a capital follows the hyphen.
    """
    words = set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text))

    def whole(cut: re.Match[str]) -> str:
        with_hyphen, without = f"{cut['first']}-{cut['rest']}", f"{cut['first']}{cut['rest']}"
        keeps = (with_hyphen in words and without not in words) or cut["rest"][0].isupper()
        return with_hyphen if keeps else without

    return _BROKEN_WORD.sub(whole, text)
