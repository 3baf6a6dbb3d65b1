"""PDF files: the text of the pages, its paragraphs put together again."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from ingest.clean import clean, clean_line
from ingest.errors import ArticleRejected
from ingest.load import contents
from ingest.load.contents import megabytes
from ingest.load.fields import BODY_LIMIT, Record
from ingest.load.files import ArticleFile
from ingest.load.identity import path_id
from ingest.load.pagelines import joined
from ingest.load.silence import silenced

if TYPE_CHECKING:
    from pypdf import PdfReader

PDF_FILE_LIMIT = 100_000_000
# What programs write into the title when nobody gave one.
_NO_TITLE = re.compile(
    r"\W*|untitled(?: document|\W?\d+)?|microsoft (?:word|powerpoint)\b.*"
    r"|(?:.* )?\S+\.(?:docx?|indd|pdf|rtf|odt|qxd|pages|tex|dvi|html?)",
    re.IGNORECASE,
)
_TITLE_LENGTH = 200


def records(file: ArticleFile) -> Iterator[Record]:
    """The one article of a .pdf file; headers, footers and page numbers stay where they stand in the text.

    Raises:
        ArticleRejected: As `contents.content`; or the file is damaged, encrypted, or a scan without text.
    """
    data = contents.content(file, PDF_FILE_LIMIT)
    with silenced("pypdf"):
        title, body = _read(data, file.origin)
    if not body:
        raise ArticleRejected(file.origin, "there is no text in the PDF (a scan?): recognise its text first", "empty")
    yield Record(file.origin, path_id(file), {"body": body, "title": title})


def _read(data: bytes, origin: str) -> tuple[str | None, str]:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, DeprecationError, FileNotDecryptedError, PyPdfError

    try:
        reader = PdfReader(BytesIO(data))
        return _title(reader), clean(joined(_pages(reader, origin)))
    except FileNotDecryptedError as error:
        reason = "a password is needed to read it: save it without one"
        raise ArticleRejected(origin, reason, "encrypted") from error
    # Besides its own errors pypdf lets through whatever a damaged object makes Python raise.
    except (PyPdfError, DependencyError, DeprecationError, ArithmeticError, AssertionError, AttributeError, LookupError,
            NotImplementedError, OSError, RecursionError, TypeError, ValueError) as error:  # fmt: skip
        reason = f"the PDF is damaged or cut off ({type(error).__name__}: {contents.shown(str(error))})"
        raise ArticleRejected(origin, reason, "bad_pdf") from error


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
