"""The files of the reviewed folder, as they are edited: to the character, line ends included."""

from __future__ import annotations

from pathlib import Path

from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.scripts import Script, open_script
from helpers.review.source import Place

__all__ = ["Sources"]


class Sources:
    """Reads each file once.

    Attributes:
        texts: of the files that were read, by path.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self.texts: dict[str, str] = {}

    def text(self, path: str) -> str:
        """A file.

        Raises:
            Refused: it cannot be read, or not without a loss be written again.
        """
        if path not in self.texts:
            try:
                self.texts[path] = (self._folder / path).read_bytes().decode()
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}") from None
            except UnicodeDecodeError:
                raise Refused(f"{path} is not UTF-8") from None
        return self.texts[path]

    def script(self, place: Place) -> Script:
        """The script that holds a place.

        Raises:
            Refused: there is none that can be edited.
        """
        found = open_script(place.path, self.text(place.path), place)
        if found is None:
            raise Refused("the workbook edits TypeScript and JavaScript, and no other language")
        return found

    @property
    def _folder(self) -> Path:
        return self._root if self._root.is_dir() else self._root.parent
