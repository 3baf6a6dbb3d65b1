"""WordPieces: the pieces of words in which the embedded model reads a text."""

from collections.abc import Sequence

from index.embedding.minilm import TOKENIZER, model_file


class WordPieces:
    """The tokenizer of the embedded model; safe to share between threads.

    The file in the package has padding and truncation to 128 switched on; here nothing is padded, and texts are cut
    at `limit` pieces ([CLS] and [SEP] included) or, where it is None, not at all. Raises ConfigurationError where the
    model package is missing.
    """

    def __init__(self, limit: int | None = None) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(model_file(TOKENIZER)))
        self._tokenizer.no_padding()
        if limit is None:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(limit)

    def ids(self, text: str) -> list[int]:
        """The numbers of a text's pieces between [CLS] and [SEP]: what the model reads."""
        return list(self._tokenizer.encode(_encodable(text)).ids)

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many pieces each text has, [CLS] and [SEP] left out."""
        cut = self._tokenizer.encode_batch_fast([_encodable(text) for text in texts], add_special_tokens=False)
        return [len(pieces) for pieces in cut]


def _encodable(text: str) -> str:
    # Half a surrogate pair, as a JSON escape can leave it, has no UTF-8 form and would be a TypeError.
    return text.encode("utf-8", "replace").decode("utf-8")
