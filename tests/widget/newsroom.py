"""Articles that are hard to render: emoji, right-to-left scripts, and a hostile one."""

import json
from pathlib import Path

from ingest.load.article import clean
from tests.samples import ingest_samples

_WRITTEN = {
    "ferry-ends": (
        "The ferry strike in Varn Sound is over. Sound Line Ferries and the Varn Seafarers' Union signed an agreement"
        " late on Tuesday at the Customs House in Skelhaven.\n\nThe stoppage had left the region without ferries for 16"
        " days. The first boat sailed for Lissay at 06:10 this morning with 211 people on board.\n\n"
        + "Passengers queued from before dawn, and the harbour café sold out of rolls by seven. "
        * 30
    ),
    "grain-ship": (
        "A grain ship lies at anchor off Tarnmouth. The ship has waited since Monday for a berth, its agent said."
    ),
    "emoji-parade": (
        "🎉🎉🎉 The parade began at dusk 🌆 in Skelhaven 🇳🇴.\n\n"
        "🏮🏮 Three thousand lanterns 👩‍👩‍👧‍👦 lit the old"
        " pier 🎆, the organisers said 🥁. No one was hurt 😀.\n" + "🎈 More music followed 🎶. " * 120
    ),
    "arabic-port": (
        "أعلنت بلدية سكيلهافن خطتها 🎉 للعام المقبل. افتتح ميناء سكيلهافن رصيفه"
        " الجديد 🚢 يوم الاثنين بحضور 300 ضيف. وبلغت الكلفة 12 مليون يورو.\n"
    ),
    "hebrew-rail": (
        "העירייה הודיעה 🎉 אתמול. הקו בין סקלהייבן לטארנמות׳ נפתח מחדש 🚆 ביום שני אחרי 9 חודשים. הכרטיס עולה 4 אירו.\n"
    ),
    "pier-notes": (
        "## What was asked\n\nThe warden of the *Old Lamp* spoke on Friday. The **Old Lamp** will be lit again on 3"
        " March 2026, she said [2]. See [the plan](https://courier.example/plan) and `plan.txt`.\n\n> It is time."
    ),
    "attack": (
        '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> The mayor <b>resigned</b> on Friday.'
        ' </div></mark></textarea><svg onload=window.hacked=1><a href="javascript:window.hacked=1">here</a>\n'
        "<iframe src=https://evil.example/></iframe> &lt;script&gt; {{ 7 * 7 }} ${7*7} <!-- "
    ),
}
NOTES = "pier-notes"
BODIES = {article_id: clean(text) for article_id, text in _WRITTEN.items()}
"""Each article's body as it is stored."""

TITLES = {
    "ferry-ends": "Boats sail again as crews and Sound Line sign a deal",
    "emoji-parade": "🎉 A parade of lanterns",
    "arabic-port": "الميناء يفتح رصيفه الجديد",
    "hebrew-rail": "קו הרכבת נפתח מחדש",
    "attack": "</title><script>window.hacked = 1</script><img src=x onerror=window.hacked=1>",
}
LANGUAGES = {"arabic-port": "ar", "hebrew-rail": "he", "attack": '"><script>window.hacked=1</script>'}


def indexed(folder: Path, models: Path) -> Path:
    """Index the sample articles and these below a folder; return the data folder."""
    hard = folder / "hard"
    hard.mkdir()
    write_articles(hard)
    ingest_samples(folder / "data", models, hard)
    return folder / "data"


def write_articles(folder: Path) -> None:
    """Write the articles as JSON Lines into a folder."""
    lines = [
        json.dumps(
            {
                "id": article_id,
                "body": body,
                "title": TITLES.get(article_id, article_id),
                "language": LANGUAGES.get(article_id, "en"),
                "source": "<b>Evil</b> Post" if article_id == "attack" else "Varn Sound Courier",
                "url": f"https://courier.example/{article_id}",
                "published_at": "2026-02-25T09:10:00Z",
            }
        )
        for article_id, body in BODIES.items()
    ]
    (folder / "hard.jsonl").write_text("\n".join(lines), encoding="utf-8")
