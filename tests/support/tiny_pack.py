"""A pack of one integration that imports what it is told to, and a program that stands in for uv where there is no network."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

_YAML = """\
commonfields: {{id: Tiny, version: -1}}
name: Tiny
display: Tiny Tickets
category: Case Management
configuration: [{{name: url, display: Server URL, type: 0, required: false}}]
script:
  script: '-'
  type: python
  subtype: python3
  dockerimage: {image}
  isremotesyncin: true
  isremotesyncout: true
  commands: [{{name: tiny-where}}]
"""
_CODE = """\
import demistomock as demisto
from CommonServerPython import *
import sys
{top}

def main():
    if demisto.command() == "test-module":
        return return_results("ok")
    if demisto.command() == "tiny-where":
        {inner}
        return return_results(sys.prefix)
    return_results([])

main()
"""
_UV = """\
#!/bin/sh
# what uv is asked for, without a network: `venv … FOLDER`, and `pip install … -r FILE`
for last; do :; done
echo "$1 $last" >> "{log}"
if [ "$1" = venv ]; then exec "{python}" -m venv --without-pip "$last"; fi
if grep -q '^broken' "$last"; then
  echo "error: No solution found: broken is nowhere at https://mirror:s3cret@index.example/simple" >&2
  exit 1
fi
for library in "${{last%.txt}}"/lib/python*/site-packages; do
  echo "{site}" > "$library/theirs.pth"
  echo "here = True" > "$library/tinydist.py"
  mkdir -p "$library/tinydist-1.0.dist-info"
done
"""


def write_pack(folder: Path, *, image: str = "mycorp/own:1", top: str = "", inner: str = "pass", **files: str) -> Path:
    """Write the pack into `folder`/Tiny; `files` are further ones beside the integration, with __ for the dot."""
    beside = folder / "Tiny" / "Integrations" / "Tiny"
    beside.mkdir(parents=True, exist_ok=True)
    (folder / "Tiny" / "pack_metadata.json").write_text(json.dumps({"name": "Tiny", "currentVersion": "1.0.0"}))
    (beside / "Tiny.yml").write_text(_YAML.format(image=image))
    (beside / "Tiny.py").write_text(_CODE.format(top=top, inner=inner))
    for name, text in files.items():
        (beside / name.replace("__", ".")).write_text(text)
    return folder / "Tiny"


def write_uv(folder: Path) -> Path:
    """Write the stand-in for uv into a folder for PATH; the log of what it was asked. Every distribution it installs is `tinydist`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    site = sysconfig.get_paths()["purelib"]
    (folder / "uv").write_text(_UV.format(log=log, python=sys.executable, site=site))
    (folder / "uv").chmod(0o755)
    log.touch()
    return log
