"""A small pack of our own, written as a folder or as a zip."""

import io
import json
import zipfile
from pathlib import Path

INTEGRATION = """\
commonfields: {id: Acme, version: -1}
name: Acme
display: Acme Tickets
category: Case Management
defaultclassifier: 'null'
defaultmapperin: acme-in
defaultmapperout: Acme - Outgoing Mapper
fromversion: 6.0.0
someKeyOfTheFuture: {a: 1}
configuration:
- {name: url, display: Server URL, type: 0, required: true, defaultvalue: https://x, 'defaultvalue:xsoar': https://acme.example}
- {name: credentials, display: User, displaypassword: Password, type: 9, required: true}
- {name: token, display: Token, type: 4, hidden: [marketplacev2]}
- {name: isFetch, display: Fetch, type: 8, defaultvalue: 'true'}
- {name: kinds, display: Kinds, type: 16, defaultvalue: 'bug, task', options: [bug, task, epic]}
- {name: mirror_direction, display: Direction, type: 15, defaultvalue: None, options: [None, Incoming, No]}
- {name: incidentType, display: Incident type, type: 13}
- {name: incidentFetchInterval, display: Interval, type: 19, defaultvalue: '1'}
- {name: limit, display: Limit, type: 0, defaultvalue: 50}
- {name: titel, display: A title, type: 20}
script:
  script: '-'
  type: python
  subtype: python3
  dockerimage: demisto/python3:3.10
  isfetch: true
  isremotesyncin: true
  casemirror: {resends_safely: true}
  commands:
  - name: acme-get
    arguments:
    - {name: id, required: true, default: true}
    - {name: since, defaultValue: 7}
"""
CODE = "from AcmeApiModule import *  # noqa: E402\nprint('acme')\n"
MAPPER_IN = {
    "id": "acme-in",
    "name": "Acme - Incoming Mapper",
    "type": "mapping-incoming",
    "mapping": {"Acme Ticket": {"dontMapEventToLabels": True, "internalMapping": {"Acme State": {"simple": "state"}}}},
}
MAPPER_OUT = {
    "id": "acme-out",
    "name": "Acme - Outgoing Mapper",
    "type": "mapping-outgoing",
    "mapping": {"Acme Ticket": {"internalMapping": {"state": {"simple": "acmestate"}}}},
}
CLASSIFIER = {
    "id": "acme",
    "type": "classification",
    "transformer": {"simple": "k"},
    "keyTypeMap": {"t": "Acme Ticket"},
}
FIELD = {
    "id": "incident_acmestate",
    "name": "Acme State",
    "cliName": "acmestate",
    "type": "singleSelect",
    "selectValues": ["", "open"],
}
TYPE = {"id": "Acme Ticket", "name": "Acme Ticket", "color": "#fff", "playbookId": "p"}
API_MODULE = "commonfields: {id: AcmeApiModule}\nname: AcmeApiModule\nscript: '-'\ntype: python\nsubtype: python3\n"

FILES = {
    "pack_metadata.json": json.dumps({"name": "Acme", "currentVersion": "1.2.3", "dependencies": {"Base": {"mandatory": True}}}),
    "Integrations/AcmeV1/Acme.yml": INTEGRATION,
    "Integrations/AcmeV1/Acme.py": CODE,
    "Integrations/AcmeV1/Acme_test.py": "raise SystemExit",
    "Integrations/AcmeV1/README.md": "words",
    "Classifiers/whatever.json": json.dumps(MAPPER_IN),
    "Classifiers/classifier-out.json": json.dumps(MAPPER_OUT),
    "Classifiers/mapper-in.json": json.dumps(CLASSIFIER),
    "IncidentFields/incidentfield-x.json": json.dumps(FIELD),
    "IncidentTypes/incidenttype-x.json": json.dumps([TYPE]),
    "Scripts/AcmeApiModule/AcmeApiModule.yml": API_MODULE,
    "Scripts/AcmeApiModule/AcmeApiModule.py": "X = 1\n",
}  # fmt: skip


def write(root: Path, files: dict) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def zipped(files: dict, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
