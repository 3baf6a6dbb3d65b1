from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.load import ArticleFile, load
from ingest.load.pdf import join_lines
from tests.ingest.article_files import article, codes, rejection, write
from tests.ingest.pdf_file import encrypted, pdf

PAGES = (
    (
        "Plant opens after years of delay",
        "",
        "The minister visited the state-owned muni-",
        "tions plant on Tuesday and said that the",
        "state-owned works would open again, and",
        "soon. He spoke at length about the state-",
        "owned works and about the Anglo-",
        "French treaty (of 1904).",
        "Another paragraph begins on this line and it",
        "goes on to the end of the page where a sen-",
    ),
    ("tence is cut in two by the page. It ends", "here.", "The End"),
)


def test_the_paragraphs_of_the_pages_are_put_together(tmp_path: Path) -> None:
    """Lines are joined to paragraphs, across pages too, and divided words are joined."""
    found = article(write(tmp_path / "a.pdf", pdf(PAGES, title="Plant opens")))
    assert found.title == "Plant opens"
    heading, first, second, end = found.body.split("\n\n")
    assert (heading, end) == ("Plant opens after years of delay", "The End")
    assert first == (
        "The minister visited the state-owned munitions plant on Tuesday and said that the state-owned works would open"
        " again, and soon. He spoke at length about the state-owned works and about the Anglo-French treaty (of 1904)."
    )
    assert second == (
        "Another paragraph begins on this line and it goes on to the end of the page where a sentence is cut in two by"
        " the page. It ends here."
    )


@given(st.lists(st.lists(st.text(st.sampled_from("ab A-.\n"), max_size=30), max_size=5), max_size=4))
def test_joining_lines_loses_no_letter(pages: list[list[str]]) -> None:
    """Every letter of every page is in the joined text, in order; only hyphens and white space change."""
    texts = ["\n".join(lines) for lines in pages]
    letters = "".join(char for text in texts for char in text if char not in "- \n")
    assert "".join(char for char in join_lines(texts) if char not in "- \n") == letters


def test_a_very_long_word_is_joined_quickly() -> None:
    """A page of one very long word takes linear time."""
    assert len(join_lines(["word" * 500_000])) == 2_000_000


@pytest.mark.parametrize(
    ("stated", "title"),
    [
        ("  Plant   opens ", "Plant opens"),
        ("Untitled love", "Untitled love"),
        ("Untitled", None),
        ("untitled-1", None),
        ("Microsoft Word - plant_v2.docx", None),
        ("plant final.indd", None),
        (" - ", None),
        ("long " * 60, None),
    ],
)
def test_a_title_no_one_wrote_is_no_title(tmp_path: Path, stated: str, title: str | None) -> None:
    """The title of the metadata is used unless a program invented it."""
    assert article(write(tmp_path / "a.pdf", pdf([["Some text."]], title=stated))).title == title


def test_a_pdf_without_title_has_none(tmp_path: Path) -> None:
    """A title that is not stated is not invented."""
    assert article(write(tmp_path / "a.pdf", pdf([["Some text."]]))).title is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"Not a PDF.", "bad_pdf"),
        (b"%PDF-1.4\n", "bad_pdf"),
        (pdf(PAGES)[:600], "bad_pdf"),
        (pdf([[], []]), "empty"),
        (pdf([]), "empty"),
        (encrypted(pdf(PAGES), "secret"), "encrypted"),
    ],
    ids=["empty", "text", "header", "truncated", "scan", "no-pages", "password"],
)
def test_a_pdf_without_readable_text_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    """A truncated, encrypted or scanned PDF is rejected with a reason."""
    file = write(tmp_path / "a.pdf", content)
    found = rejection(file)
    assert (found.code, found.origin) == (code, file.as_posix())
    assert found.reason


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_a_pdf_that_needs_no_password_is_read(tmp_path: Path, algorithm: str) -> None:
    """A PDF encrypted only against changes is read; one with a password is rejected."""
    plain = pdf([["Some text."]])
    assert article(write(tmp_path / "a.pdf", encrypted(plain, "", algorithm))).body == "Some text."
    assert rejection(write(tmp_path / "b.pdf", encrypted(plain, "secret", algorithm))).code == "encrypted"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_pdf_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    """A PDF with any bytes changed is an article or a rejection."""
    content = bytearray(pdf(PAGES, title="T"))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    file = write(tmp_path / "a.pdf", bytes(content))
    assert len(codes(load(ArticleFile(file, tmp_path)))) == 1
