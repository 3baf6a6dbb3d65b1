"""What a generation says of its collection on a server: the name it is made and deleted by, the id it is held by."""

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

from index.errors import IndexDamaged
from index.layout import COLLECTION_FILE

# A file from elsewhere must not name, and so delete, what Dateline has not made.
_NAME = re.compile(r"dateline-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """A collection's name, and its id once the server has made it whole."""

    name: str
    id: UUID | None = None

    @classmethod
    def new(cls) -> "CollectionRecord":
        """The record of a collection that is still to be made, under a name that nothing else has."""
        return cls(f"dateline-{uuid4().hex}")

    @classmethod
    def read(cls, folder: Path) -> "CollectionRecord | None":
        """The record in a generation's folder, None where it has none; raises IndexDamaged where it does not read."""
        file = folder / COLLECTION_FILE
        try:
            return _parsed(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamaged(f"{file} cannot be read: {error}", "Run `dateline doctor --repair`.") from error

    def write(self, folder: Path) -> None:
        """Put this record in a generation's folder, whole or not at all, and on the disk before it returns."""
        temporary = folder / f"{COLLECTION_FILE}.new"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"name": self.name, "id": None if self.id is None else str(self.id)}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / COLLECTION_FILE)

    def made(self, id_: UUID) -> "CollectionRecord":
        """This record with the id that the server gave."""
        return replace(self, id=id_)


def _parsed(text: str) -> CollectionRecord:
    fields = json.loads(text)
    name, id_ = fields["name"], fields["id"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name that Dateline gives")
    return CollectionRecord(name, None if id_ is None else UUID(id_))
