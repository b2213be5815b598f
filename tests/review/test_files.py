"""Folders as they are: what is read, what is not, and that nothing happens to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers.errors import SettingsError
from helpers.review import inventory_of
from helpers.review.files import SourceFile, decoded, source_files
from tests.review.code import inventory_in

CHANNEL = "import { supabase } from './s'\nexport const c = supabase.channel('room').subscribe()\n"


def paths(folder: Path) -> list[str]:
    return [each.path for each in source_files(folder) if isinstance(each, SourceFile)]


def unread(folder: Path) -> dict[str, str]:
    return {each.path: each.reason for each in inventory_of(folder).unread}


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_gitignore_as_git_reads_it(tmp_path: Path) -> None:
    """Nested files, negations and folders; the nearest file that says something decides."""
    write(
        tmp_path,
        {
            ".gitignore": "*.gen.ts\n/private\nlogs/\n!keep.gen.ts\n",
            "a.ts": "",
            "a.gen.ts": "",
            "keep.gen.ts": "",
            "private/b.ts": "",
            "inner/private/c.ts": "",
            "inner/.gitignore": "!b.gen.ts\nd.ts\n",
            "inner/b.gen.ts": "",
            "inner/d.ts": "",
            "inner/logs/e.ts": "",
        },
    )
    assert paths(tmp_path) == ["a.ts", "keep.gen.ts", "inner/b.gen.ts", "inner/private/c.ts"]


def test_a_folder_of_a_repository(tmp_path: Path) -> None:
    """The rules above the folder hold in it, as long as they are of the same repository."""
    write(tmp_path, {".git/HEAD": "", ".gitignore": "/app/out.ts\n", "app/in.ts": "", "app/out.ts": ""})
    assert paths(tmp_path / "app") == ["in.ts"]


def test_generated_folders(tmp_path: Path) -> None:
    """What tools put there is not read, in any package of a monorepo."""
    names = (
        "node_modules/x/a.ts",
        ".next/a.js",
        "dist/a.js",
        "packages/web/node_modules/y/a.ts",
        "packages/web/src/a.ts",
    )
    write(tmp_path, dict.fromkeys(names, CHANNEL))
    assert paths(tmp_path) == ["packages/web/src/a.ts"]


def test_links(tmp_path: Path) -> None:
    """A loop ends, what is linked within is read once, and what lies outside is told."""
    write(tmp_path, {"project/src/a.ts": CHANNEL, "outside/b.ts": CHANNEL})
    project = tmp_path / "project"
    (project / "src/loop").symlink_to(project)
    (project / "again").symlink_to(project / "src")
    (project / "shared").symlink_to(tmp_path / "outside")
    (project / "broken.ts").symlink_to(project / "nowhere.ts")
    assert paths(project) == ["src/a.ts"]
    assert unread(project) == {"shared": "a link out of the folder"}


def test_what_is_no_written_code(tmp_path: Path) -> None:
    """Binary, minified and huge files are listed with the reason, and the rest is read."""
    write(
        tmp_path,
        {
            "a.ts": CHANNEL,
            "binary.ts": b"\x00\x01\x02" * 100,
            "bundle.js": CHANNEL.replace("\n", ";") * 200,
            "vendor.min.js": CHANNEL,
            "huge.ts": b"// data\n" * 300_000,
        },
    )
    assert unread(tmp_path) == {
        "binary.ts": "binary",
        "bundle.js": "minified",
        "huge.ts": "larger than 2 MB",
        "vendor.min.js": "minified",
    }
    assert len(inventory_of(tmp_path).channels) == 1


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """Topics are right in any encoding, and columns count characters."""
    code = "/* äöü */ const c = supabase.channel('Räume').subscribe()\n"
    write(tmp_path, {"a.ts": code.encode(encoding)})
    (channel,) = inventory_of(tmp_path).channels
    assert channel.topic.value == "Räume"
    assert channel.created.column == code.index("channel") + 1


def test_syntax_errors_leave_the_rest(tmp_path: Path) -> None:
    """What can be read is read, and the file is listed."""
    inventory = inventory_in(
        tmp_path,
        {"a.tsx": "export function A() {\n  const x = = ;\n}\n" + CHANNEL, "b.ts": CHANNEL + "function half( {\n"},
    )
    assert [channel.topic.value for channel in inventory.channels] == ["room", "room"]
    assert {each.path: each.reason.partition(":")[0] for each in inventory.unread} == {
        "a.tsx": "read in part",
        "b.ts": "read in part",
    }


ODD = ("", "\n", "export {", "supabase.channel(", "supabase.channel()", "supabase.channel('a').on()", "(" * 5000)


@pytest.mark.parametrize("code", ODD)
def test_odd_code(tmp_path: Path, code: str) -> None:
    """Half-written code ends no review."""
    inventory_in(tmp_path, {"a.ts": f"// supabase\n{code}", "b.ts": CHANNEL})
    assert [channel.topic.value for channel in inventory_of(tmp_path).channels][-1] == "room"


def test_one_file(tmp_path: Path) -> None:
    """A path may be a file."""
    write(tmp_path, {"src/a.ts": CHANNEL, "src/b.ts": CHANNEL, "notes.txt": "x"})
    inventory = inventory_of(tmp_path / "src/a.ts")
    assert [channel.created.path for channel in inventory.channels] == ["a.ts"]
    assert unread(tmp_path / "notes.txt") == {"notes.txt": "no language that the review knows"}


def test_nothing_there(tmp_path: Path) -> None:
    """An empty folder has an empty inventory; no folder is a mistake that is explained."""
    inventory = inventory_of(tmp_path)
    assert (inventory.files, inventory.unread, inventory.looked_at) == ((), (), 0)
    assert inventory.to_frame().empty
    with pytest.raises(SettingsError, match="No such file"):
        inventory_of(tmp_path / "missing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    """Files and folders that cannot be opened are listed."""
    write(tmp_path, {"a.ts": CHANNEL, "closed/b.ts": CHANNEL})
    (tmp_path / "a.ts").chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        assert unread(tmp_path) == {"a.ts": "Permission denied", "closed": "Permission denied"}
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    """Between finding and reading, files come and go."""
    from helpers.review.code.reading import Batch, read_batch

    result = read_batch(Batch(tmp_path, (SourceFile("gone.ts", 10),)))
    assert [each.reason for each in result.unread] == ["No such file or directory"]


def test_many_files_in_processes(tmp_path: Path) -> None:
    """More files than one process reads give the same inventory."""
    write(tmp_path, {f"src/{n:04}.ts": CHANNEL.replace("room", f"room-{n:04}") for n in range(450)})
    inventory = inventory_of(tmp_path)
    assert [channel.topic.value for channel in inventory.channels] == [f"room-{n:04}" for n in range(450)]
    assert inventory.looked_at == 450


def test_nothing_is_written(tmp_path: Path) -> None:
    """The folder is the same after a review."""
    write(tmp_path, {"src/a.ts": CHANNEL, "schema.prisma": "model A { id Int @id }"})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    inventory_of(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_latin_1_is_the_last_resort() -> None:
    """Every sequence of bytes is a text."""
    assert decoded(b"\xe4\xff") == "äÿ"
