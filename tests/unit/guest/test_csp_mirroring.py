"""Arguments and answers of the mirror commands."""

import CommonServerPython as csp
import pytest

NOTE = {"Type": 1, "Contents": "hello"}


@pytest.mark.parametrize(
    ("mirrored_object", "entries", "expected"),
    [
        ({"id": "1"}, [NOTE], [{"id": "1"}, NOTE]),
        ({"id": "1"}, [], [{"id": "1"}]),
        ({"id": "1"}, None, [{"id": "1"}]),
        ({}, [NOTE], [{}, NOTE]),
        (None, [NOTE], [{}, NOTE]),
        ({}, [], None),
        (None, None, None),
    ],
)
def test_remote_data_answer_keeps_entries_beside_an_empty_object(host, mirrored_object, entries, expected):
    """mirroring 1.1 repair (a): the shipped class loses the entries then."""
    answer = csp.GetRemoteDataResponse(mirrored_object=mirrored_object, entries=entries)
    assert answer.extract_for_local() == expected
    csp.return_results(answer)
    assert host.emitted == [expected]


@pytest.mark.parametrize(
    ("answer", "contents"),
    [
        (csp.GetModifiedRemoteDataResponse(["1", "2"]), ["1", "2"]),
        (csp.GetModifiedRemoteDataResponse(modified_incident_ids=[]), []),
        (csp.GetModifiedRemoteDataResponse(modified_incident_entries=[[{"id": "1"}, NOTE]]), [[{"id": "1"}, NOTE]]),
    ],
)
def test_modified_answer_is_a_json_note(host, answer, contents):
    """Also an empty list is an answer: nothing changed. Repair (b): the keyword modified_incident_entries."""
    csp.return_results(answer)
    assert host.emitted == [{"Contents": contents, "Type": 1, "ContentsFormat": "json"}]


def _scheme(name, *fields):
    scheme = csp.SchemeTypeMapping(type_name=name)
    for field in fields:
        scheme.add_field(name=field, description=f"about {field}")
    return scheme


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (_scheme("a", "x"), {"a": {"x": "about x"}}),
        ([_scheme("a", "x"), _scheme("b")], {"a": {"x": "about x"}, "b": {}}),
        ([_scheme("a", "x"), _scheme("a", "y")], {"a": {"y": "about y"}}),
        (None, {}),
    ],
)
def test_mapping_answer_merges_types(host, given, expected):
    """One scheme or a list of them; of two with one name the later wins."""
    csp.return_results(csp.GetMappingFieldsResponse(given))
    assert host.emitted == [expected]


def test_mapping_answer_can_grow_without_changing_the_list_given():
    """add_scheme_type() adds to the answer only."""
    given = [_scheme("a")]
    answer = csp.GetMappingFieldsResponse(given)
    answer.add_scheme_type(_scheme("b"))
    assert answer.extract_mapping() == {"a": {}, "b": {}}
    assert len(given) == 1


def test_schemes_do_not_share_their_fields():
    """A default dict that is shared would mix the types."""
    one, two = csp.SchemeTypeMapping(), csp.SchemeTypeMapping()
    one.add_field("x")
    assert (one.fields, two.fields) == ({"x": ""}, {})


def test_update_arguments():
    """Renamed, and None where absent."""
    args = csp.UpdateRemoteSystemArgs(
        {
            "data": {"a": 1},
            "entries": [NOTE],
            "incidentChanged": True,
            "remoteId": "7",
            "status": 2,
            "delta": {"a": 1},
        }
    )
    assert (args.data, args.entries, args.incident_changed) == ({"a": 1}, [NOTE], True)
    assert (args.remote_incident_id, args.inc_status, args.delta) == ("7", csp.IncidentStatus.DONE, {"a": 1})
    assert set(vars(csp.UpdateRemoteSystemArgs({})).values()) == {None}


@pytest.mark.parametrize("args", [{}, {"id": "1"}, {"lastUpdate": "x"}])
def test_remote_data_arguments_are_required(args):
    """KeyError when either is absent."""
    with pytest.raises(KeyError):
        csp.GetRemoteDataArgs(args)


def test_remote_data_arguments():
    """Renamed only."""
    args = csp.GetRemoteDataArgs({"id": "1", "lastUpdate": "2024-01-01T00:00:00.000000Z"})
    assert (args.remote_incident_id, args.last_update) == ("1", "2024-01-01T00:00:00.000000Z")
    assert csp.GetModifiedRemoteDataArgs({"lastUpdate": "t"}).last_update == "t"
    with pytest.raises(KeyError):
        csp.GetModifiedRemoteDataArgs({})
