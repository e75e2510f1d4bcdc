"""Commands of an integration in the war room, with a real server: outputs go into the context, a polling one is run again."""

from __future__ import annotations

from pathlib import Path

from support.cli import Program
from support.mirror import eventually
from support.server import Server

PACK = {
    "pack_metadata.json": '{"name": "Scanner", "currentVersion": "1.0.0"}',
    "Integrations/Scanner/Scanner.yml": """\
commonfields: {id: Scanner, version: -1}
name: Scanner
display: Scanner
category: Case Management
configuration: []
script:
  script: '-'
  type: python
  subtype: python3
  commands:
  - name: scan-start
    arguments:
    - {name: host, required: true, default: true}
    - {name: ports, isArray: true, defaultValue: '22,80'}
  - name: scan-result
    arguments: [{name: number, required: true}]
""",
    "Integrations/Scanner/Scanner.py": """\
def main():
    command, args = demisto.command(), demisto.args()
    if command == "scan-start":
        later = ScheduledCommand(
            command="scan-result", next_run_in_seconds=10, args={"number": 7}, timeout_in_seconds=600
        )
        text = f"scanning {args['host']}, ports {', '.join(argToList(args['ports']))}"
        return_results(CommandResults(readable_output=text, scheduled_command=later))
    elif command == "scan-result":
        found = {"ID": args["number"], "Open": [22]}
        return_results(CommandResults(outputs_prefix="Scan", outputs_key_field="ID", outputs=found))
    else:
        return_results("ok")


main()
""",
}


def test_a_scan_is_begun_and_its_result_comes_by_itself(tmp_path: Path) -> None:
    pack = tmp_path / "Scanner"
    for name, text in PACK.items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text(text)
    home = tmp_path / "home"
    program = Program(home)
    program.good("pack", "add", pack)
    program.good("instance", "add", "scanner", "--integration", "Scanner")
    program.good("incident", "create", "A host looks odd")
    assert "scan-start needs host=…" in program.refused("run", "!scan-start", "--incident", "1")
    server = Server(home).start()
    try:
        begun = program.good("run", "!scan-start db1", "--incident", "1")
        assert "scanning db1, ports 22, 80" in begun.out
        assert "!scan-result asks to be run again in 10 s" in begun.out
        assert "!scan-result" in program.good("later", "list").out
        eventually(lambda: "nothing waits" in program.good("later", "list").out, within_s=60)
    finally:
        server.end()
    assert program.good("incident", "context", "1").json == {"Scan": {"ID": 7, "Open": [22]}}
    assert program.good("incident", "context", "1", "Scan.Open").json == [22]
    assert "it has Scan" in program.refused("incident", "context", "1", "Scanner", code=2)
