"""An index of more than 1,000 rows whose current generation takes each damage: `python -m tests.faults.damaged_index`.

Prints what doctor says of each, once as damage to what was published and once as a fault of the build, and what a
service says that is started on it.
"""

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from index.embedding.llama import LlamaIndexEmbedder
from index.layout import CURRENT, current_name, generation_folder, generation_names
from index.verification import damages, look
from tests.fakes import HashedEmbedder, built, newsroom
from tests.faults.damage import DAMAGES, HNSW, Damage, hnsw_files, says, state_anew
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service
from tests.faults.vectors import CLASS_PATH, DIMENSION


@dataclass(frozen=True, slots=True)
class Case:
    """A data folder whose current generation is damaged, and the whole one before it."""

    data: Path
    damaged: Path
    whole: str


def two_generations(place: Path, articles: int) -> Path:
    """A data folder with two whole generations, a row a sentence, made for the embedder that the commands use."""
    commands = LlamaIndexEmbedder(CLASS_PATH, {})
    embedder = HashedEmbedder(commands.name, commands.graph, DIMENSION)
    data = place / "data"
    for count in (articles - 1, articles):
        folder = built(data, newsroom(count), embedder)
        assert sorted(hnsw_files(folder)) == sorted(HNSW), "Chroma wrote no HNSW files"
    return data


def damaged_copy(data: Path, place: Path, damage: Damage) -> Case:
    """A copy of an index whose current generation took a damage."""
    copy = shutil.copytree(data, place)
    newest, before = generation_names(copy)
    folder = generation_folder(copy, newest)
    assert current_name(copy) == newest
    damage.do(folder)
    return Case(copy, folder, before)


def rejected_as_built(case: Case, damage: Damage) -> list[str]:
    """What verification says where the manifest states the damaged files: the damage is in what they mean."""
    state_anew(case.damaged)
    found = damages(case.damaged) if damage.ends else list(look(case.damaged))
    assert says(found, damage.meaning), f"{damage.name}: {found}"
    return found


class Outpost(Newsdesk):
    """A desk around an index that is already there."""

    def __init__(self, place: Path, data: Path) -> None:
        super().__init__(place, articles=0)
        self.data = data


def service_on(desk: Newsdesk) -> tuple[str, str | None, str]:
    """Start a service of its own on the index and ask it: the generation it answers from, its trouble, its log."""
    service = Service(desk)
    try:
        said = service.ready()
        status, answer = service.request("POST", "/v1/ask", {"question": "What did the storm cost?"})
        assert (status, answer["versions"]["generation"]) == (200, said["generation"]), answer
        assert answer["citations"]
    finally:
        code = service.stop()
    assert code == 0, service.log[-3:]
    return said["generation"], said["trouble"], "".join(service.log)


def _examined(case: Case, desk: Newsdesk, damage: Damage) -> str:
    """Both looks at one damage, as a paragraph; what is not as it should be is marked with FAULT."""
    doctor = desk.run("doctor", "--data", str(case.data))
    said = [line for line in doctor.stdout.splitlines() if line.startswith("DAMAGED")]
    named = doctor.returncode == 1 and says(said, damage.files)
    served, trouble, log = service_on(desk)
    fell_back = served == case.whole and trouble == "newest_damaged" and case.damaged.name in log
    state_anew(case.damaged)
    found = damages(case.damaged)
    return "\n".join(
        (
            damage.name,
            f"  {'' if named else 'FAULT '}doctor ({doctor.returncode}): {'; '.join(said)}",
            f"  {'' if fell_back else 'FAULT '}served: {served}; trouble: {trouble}",
            f"  {'' if says(found, damage.meaning) else 'FAULT '}built so: {'; '.join(found) or 'whole'}",
        )
    )


def main() -> None:
    """Take each damage in turn, with commands in processes of their own, and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=900)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        data = two_generations(place, given.articles)
        for number, damage in enumerate(DAMAGES):
            case = damaged_copy(data, place / str(number) / "data", damage)
            sys.stdout.write(f"{_examined(case, Outpost(place / str(number), case.data), damage)}\n")
            sys.stdout.flush()
        copy = shutil.copytree(data, place / "nothing" / "data")
        (copy / CURRENT).write_text("20000101T000000000Z-00000000\n", encoding="utf-8")
        desk = Outpost(place / "nothing", copy)
        doctor = desk.run("doctor", "--data", str(copy))
        sys.stdout.write(f"CURRENT names nothing\n  doctor ({doctor.returncode}): {doctor.stdout}")
        sys.stdout.write(f"  served: {service_on(desk)}\n")


if __name__ == "__main__":
    main()
