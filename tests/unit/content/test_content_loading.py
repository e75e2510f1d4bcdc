"""Loading packs from every form they come in (content.md §1.1, §1.8, §2; MAP-095…098, MAP-100)."""

import json

import pytest

from casemirror.content import items, kinds
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.model.errors import Invalid, NotFound
from support.content_pack import CLASSIFIER, CODE, FIELD, MAPPER_IN, write, zipped


def found(packs):
    return sorted((item.kind, item.id) for pack in packs for item in pack.items)


WHOLE = sorted([
    ("apimodule", "AcmeApiModule"), ("classifier", "acme"), ("incidentfield", "incident_acmestate"), ("incidenttype", "Acme Ticket"),
    ("integration", "Acme"), ("mapper-in", "acme-in"), ("mapper-out", "acme-out"),
])  # fmt: skip


def test_a_pack_folder_is_read_whole(pack_folder):
    """content.md §2.1: files are told apart by content, their names say nothing (MAP-095)."""
    (pack,) = packs = load(pack_folder)
    assert (pack.id, pack.name, pack.version, pack.problems) == ("Acme", "Acme", "1.2.3", ())
    assert pack.dependencies == {"Base": True}
    assert found(packs) == WHOLE


def test_a_content_repository_is_read_pack_by_pack(tmp_path, files):
    """content.md §2.2."""
    write(tmp_path / "Packs" / "Two", files)
    write(tmp_path / "Packs" / "One", files)
    write(tmp_path / "Packs" / ".hidden", files)
    assert [pack.id for pack in load(tmp_path)] == ["One", "Two"]
    assert [pack.id for pack in load(tmp_path / "Packs")] == ["One", "Two"]


def test_a_pack_zip_has_the_files_at_its_root(tmp_path, files):
    """content.md §2.2: the generated metadata names the pack."""
    built = {**files, "metadata.json": json.dumps({"id": "AcmePack", "currentVersion": "1.2.4"})}
    path = tmp_path / "download.zip"
    path.write_bytes(zipped(built))
    (pack,) = packs = load(path)
    assert (pack.id, pack.version) == ("AcmePack", "1.2.4")
    assert found(packs) == WHOLE


def test_a_zipped_pack_folder_is_a_pack_too(tmp_path, files):
    """A folder zipped by hand has one folder around everything."""
    path = tmp_path / "x.zip"
    path.write_bytes(zipped({f"Acme/{name}": text for name, text in files.items()}))
    (pack,) = packs = load(path)
    assert pack.id == "Acme"
    assert found(packs) == WHOLE


def test_a_zip_of_zips_holds_several_packs(tmp_path, files):
    """content.md §2.2."""
    path = tmp_path / "uploadable_packs.zip"
    path.write_bytes(zipped({"A.zip": zipped(files), "B.zip": zipped(files), "README": "x"}))
    assert [pack.id for pack in load(path)] == ["A", "B"]


def test_a_single_file_finds_its_code_beside_it(pack_folder):
    """content.md §1.1."""
    (pack,) = packs = load(pack_folder / "Integrations" / "AcmeV1" / "Acme.yml")
    assert found(packs) == [("integration", "Acme")]
    assert items.parse("integration", pack.items[0].body).source == CODE
    assert found(load(pack_folder / "Classifiers" / "whatever.json")) == [("mapper-in", "acme-in")]
    assert found(load(pack_folder / "Integrations" / "AcmeV1")) == [("integration", "Acme")]


def test_an_inline_integration_keeps_its_code(tmp_path, files):
    """content.md §1.1, unified form."""
    text = files["Integrations/AcmeV1/Acme.yml"].replace("script: '-'", "script: |\n    import os\n    print(1)")
    path = tmp_path / "integration-Acme.yml"
    path.write_text(text)
    (pack,) = load(path)
    assert items.parse("integration", pack.items[0].body).source == "import os\nprint(1)\n"


def test_what_is_no_pack_is_refused(tmp_path):
    with pytest.raises(NotFound):
        load(tmp_path / "gone")
    with pytest.raises(Invalid, match="holds no pack"):
        load(tmp_path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(Invalid, match="neither a pack folder"):
        load(tmp_path / "x.txt")
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(Invalid, match="no readable zip"):
        load(tmp_path / "x.zip")
    (tmp_path / "y.zip").write_bytes(zipped({"a/b": "c"}))
    with pytest.raises(Invalid, match="is no pack"):
        load(tmp_path / "y.zip")


BROKEN = {
    "YAML": ("Integrations/AcmeV1/Bad.yml", "name: x\nscript:\n  a: [1\nb: 2\n", "line 4"),
    "YAML tag": ("Integrations/AcmeV1/Bad.yml", "name: !!python/object/apply:os.system ['true']\n", "line 1"),
    "JSON": ("Classifiers/bad.json", '{\n "id": "x",\n "type" "classification"}', "line 3, column 9"),
    "JSON constant": ("Classifiers/bad.json", '{"id": NaN}', ""),
    "no identity": ("Classifiers/bad.json", '{"type": "classification"}', ""),
    "not UTF-8": ("Classifiers/bad.json", b"\xff\xfe\x00{", ""),
    "too deep": ("Classifiers/bad.json", "[" * 5000 + "]" * 5000, ""),
    "no code": (
        "Integrations/Other/Other.yml",
        "name: Other\nconfiguration: []\nscript: {type: python, script: '-'}\n",
        "script",
    ),
}


@pytest.mark.parametrize(("name", "text", "where"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_a_problem_and_the_rest_is_loaded(name, text, where, pack_folder):
    """The problem names file and line."""
    path = pack_folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (pack,) = load(pack_folder)
    (problem,) = pack.problems
    assert problem.file == name
    assert where in problem.where
    assert set(WHOLE) <= set(found([pack]))
    assert name in str(problem)


def test_an_alias_bomb_is_refused(pack_folder):
    """Aliases are expanded only up to a limit."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)
    ]
    (pack_folder / "Integrations" / "bomb.yml").write_text("\n".join(lines))
    (pack,) = load(pack_folder)
    assert [p.file for p in pack.problems] == ["Integrations/bomb.yml"]
    assert "too large" in pack.problems[0].message


ELIGIBLE = [({}, True), ({"fromVersion": "6.10.0"}, True), ({"fromVersion": "6.10.1"}, False), ({"toVersion": "5.9.9"}, False),
            ({"toVersion": "6.10"}, True), ({"fromversion": "5.5.0", "toversion": "99.99.99"}, True), ({"fromVersion": ""}, True),
            ({"marketplaces": ["marketplacev2"]}, False), ({"marketplaces": ["xsoar"]}, True)]  # fmt: skip


@pytest.mark.parametrize(("bounds", "is_loaded"), ELIGIBLE)
def test_only_items_for_the_emulated_server_are_loaded(bounds, is_loaded, pack_folder):
    """MAP-096, content.md §1.8."""
    (pack_folder / "Classifiers" / "whatever.json").write_text(json.dumps({**MAPPER_IN, **bounds}))
    assert (("mapper-in", "acme-in") in found(load(pack_folder))) is is_loaded


def test_two_files_may_share_an_id_in_disjoint_ranges(pack_folder):
    """MAP-096."""
    old = {"id": "acme", "brandName": "Acme", "mapping": {}, "keyTypeMap": {}, "transformer": {}, "toVersion": "5.9.9"}
    (pack_folder / "Classifiers" / "a-old.json").write_text(json.dumps(old))
    (pack,) = load(pack_folder)
    assert found([pack]) == WHOLE
    assert pack.problems == ()


def test_a_legacy_item_is_split():
    """MAP-098."""
    legacy = {
        "id": "u-1",
        "brandName": "QRadar",
        "mapping": {"Access": {}},
        "keyTypeMap": {"User Login Failure": "Access"},
    }
    made = [items.make(kind, body) for kind, body in kinds.bodies(legacy)]
    assert [(i.kind, i.id, i.name) for i in made] == [("classifier", "u-1", "QRadar"), ("mapper-in", "u-1", "QRadar")]
    assert items.parse("classifier", made[0].body).brand == "QRadar"


KINDS = [
    (MAPPER_IN, ["mapper-in"]),
    ({"type": "mapping-outgoing", "id": "x"}, ["mapper-out"]),
    (CLASSIFIER, ["classifier"]),
    ({"id": "X", "brandName": "X", "mapping": {}, "keyTypeMap": {}, "transformer": {}}, ["classifier", "mapper-in"]),
    ({"cliName": "x", "id": "incident_x", "name": "X"}, ["incidentfield"]),
    ({"cliName": "x", "id": "indicator_x", "name": "X"}, []),
    ({"cliName": "x", "id": "x", "name": "X", "group": 2}, []),
    ({"id": "T", "color": "#fff"}, ["incidenttype"]),
    ({"id": "T", "color": "#fff", "regex": "x"}, []),
    ({"id": "L", "detailsV2": {}, "type": "T"}, []),
    ({}, []),
]


@pytest.mark.parametrize(("raw", "expected"), KINDS)
def test_kinds_are_told_by_content(raw, expected):
    """MAP-095, content.md §2.1."""
    assert [kind for kind, _ in kinds.bodies(raw)] == expected


def test_test_data_is_no_content(pack_folder):
    """Integrations bring samples that look like items."""
    for name in ("Integrations/AcmeV1/test_data/incident.json", "Integrations/AcmeV1/test_data/other.yml"):
        (pack_folder / name).parent.mkdir(exist_ok=True)
        (pack_folder / name).write_text(json.dumps({**FIELD, "configuration": [], "cliName": "sample", "id": "sample"}))
    assert found(load(pack_folder)) == WHOLE


def test_wrapped_and_bare_lists_are_unwrapped():
    """content.md §2.1."""
    field = {"cliName": "x", "name": "X"}
    assert list(kinds.objects(field)) == [("", field)]
    assert list(kinds.objects({"incidentFields": [field]})) == [("incidentFields[0]", field)]
    assert list(kinds.objects([field, [field], 3])) == [("[0]", field), ("[1][0]", field)]


def test_items_survive_json(pack_folder):
    """The store keeps bodies as JSON and builds the values again."""
    (pack,) = load(pack_folder)
    again = [items.Item(kind=i.kind, id=i.id, name=i.name, body=json.loads(json.dumps(i.body))) for i in pack.items]
    one, two = Catalog.of(pack.items), Catalog.of(again)
    assert one.integration("Acme").params == two.integration("Acme").params
    assert one.fields == two.fields
    assert one.mappers["acme-in"].sections == two.mappers["acme-in"].sections


def test_no_secret_is_in_the_repr_of_code(pack_folder):
    """Bodies and sources are long; logs show neither."""
    (pack,) = load(pack_folder)
    assert all("print" not in repr(item) for item in pack.items)
