"""How close the vectors of one graph come to those of another, on texts that never change."""

from pathlib import Path

import numpy as np

from index.embedding import Matrix
from index.embedding.graph.session import Session
from index.embedding.wordpiece import WordPieces

TEXTS = (
    "Ferry strike ends.",
    "Who signed the agreement, and when does it take effect?",
    "The council voted 7-2 on Tuesday to close the old swimming pool.",
    "Shares in the shipping company fell 4.3% after it cut its forecast for the third time this year.",
    "“We have no plans to leave,” the minister told reporters in Geneva on 14 March 2025.",
    "A magnitude 6.1 earthquake shook the coast before dawn; no injuries were reported, but two bridges are closed.",
    "U.S. and Japanese officials met in Hawaii.",
    "Das Gericht wies die Klage der Anwohner ab, wie eine Sprecherin am Montag mitteilte.",
    (
        "Correction: an earlier version of this article misstated the year in which the museum opened. It was 1987, not"
        " 1978. The article has been amended, and the caption of the second photograph now names the architect."
    ),
    (
        "The striker scored twice in the last ten minutes as the home side came back from two goals down. Her second, a"
        " volley from the edge of the area, went in off the post. The visitors had led since the twelfth minute, when a"
        " misplaced pass let their captain run half the length of the pitch. They stay third, four points behind the"
        " leaders, with a match in hand. Neither manager spoke to the press afterwards."
    ),
    (
        "Prices rose faster than expected in October, the statistics office said, as rents and electricity outweighed"
        " cheaper petrol. The annual rate climbed to 2.9 percent from 2.6 percent in September. Economists had forecast"
        " 2.7 percent. Food was 3.4 percent dearer than a year earlier, led by coffee, butter and olive oil. The"
        " central bank, which meets on 11 December, wants to see three months of slower growth before it lowers rates"
        " again. Bond yields edged up after the figures; the currency hardly moved. The finance ministry said it would"
        " keep the subsidy for heating oil until the end of March, at a cost of about 240 million, and would decide in"
        " January whether households with low incomes get a second payment. The opposition called that too late."
    ),
    "1. Turn off the water. 2. Open the lower tap. 3. Call +44 20 7946 0000 or write to help@example.org.",
)


def closeness(graph: Path, other: Path) -> float:
    """The smallest cosine, over the texts, between the vectors of two graphs."""
    return float((_vectors(graph) * _vectors(other)).sum(axis=1).min())


def _vectors(graph: Path) -> Matrix:
    session = Session(graph)
    pieces = WordPieces(limit=256)
    return np.stack([session.vector(pieces.ids(text)) for text in TEXTS])
