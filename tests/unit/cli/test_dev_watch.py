"""Which files of an integration under work begin everything anew."""

from __future__ import annotations

import os
from pathlib import Path

from casemirror.actions import scaffold
from casemirror.cli.dev.watch import Watch


def test_what_a_server_reads_counts_and_the_rest_does_not(tmp_path: Path) -> None:
    pack = scaffold.create("Acme", tmp_path).folder
    code = pack / "Integrations" / "Acme" / "Acme.py"
    watch = Watch(pack)
    assert watch.changed() == []
    (pack / "tests" / "test_more.py").write_text("")
    (pack / "Integrations" / "Acme" / ".Acme.py.swp.py").write_text("")
    (pack / "README.md").write_text("other")
    assert watch.changed() == []
    code.write_text(code.read_text() + "\n")
    assert watch.changed() == [code] and watch.changed() == []
    new = pack / "Classifiers" / "more.json"
    new.write_text("{}")
    (pack / "pack_metadata.json").write_text("{}")
    assert watch.changed() == [new, pack / "pack_metadata.json"]
    new.unlink()
    assert watch.changed() == [new]


def test_a_file_that_is_saved_with_the_same_size_counts(tmp_path: Path) -> None:
    file = tmp_path / "Acme.py"
    file.write_text("a = 1")
    watch = Watch(tmp_path)
    file.write_text("a = 2")
    os.utime(file, ns=(1, 1))
    assert watch.changed() == [file]
