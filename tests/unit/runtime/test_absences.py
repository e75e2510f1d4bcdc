"""Which answers say that a remote object is not there. Everything that may mean something else is not taken for it."""

from __future__ import annotations

import pytest

from casemirror.model.errors import CommandFailed, RemoteGone
from casemirror.model.link import RemoteState
from casemirror.runtime import wire
from casemirror.runtime.command import Reply

GONE = (
    "Ticket was not found.",
    "Record a93d12f4 was not found in ServiceNow: it was deleted, or the user may not see it.",
    "Issue 12 was not found in Roundup: it was retired, or the user may not see it.",
    "Issue does not exist or you do not have permission to see it.",
    "Error in API call [404] - Not Found",
    'Error in API call [404] - Not Found\n{"error": {"message": "No Record found", "detail": "Record doesn\'t exist"}}',
    "404 Client Error: Not Found for url: https://example.com/api/v2/tickets/7",
    "HTTP status code: 404",
    "410 Gone",
    "Incident 42 has been deleted",
    "The case no longer exists.",
    "No such ticket: 42",
    "No incident found",
    "Could not find incident with ID 42",
    "Failed to find offense 42",
    "Alert could not be found",
    "R-42 not found",
    "R-42 was deleted by an administrator",
)


@pytest.mark.parametrize("text", GONE)
def test_it_is_missing(text: str) -> None:
    """§2.8: the remote's own words are kept."""
    found = wire.absence(text, "R-42")
    assert found is not None
    assert (found.state, found.words, found.new_id) == (RemoteState.MISSING, text.splitlines()[0], "")


UNCERTAIN = (
    "",
    "boom",
    "Try later.",
    "No changes found.",
    "No updates for ticket 42.",
    "API rate limit exceeded",
    "Host not found",
    "DNS name example.com does not exist",
    "getaddrinfo failed: name or service not known",
    "The requested URL /api/incident/7 was not found on this server.",
    "Error in API call [404] - Not Found\n<html><body>404 page not found</body></html>",
    "Page not found",
    "endpoint not found",
    "User alice was not found",
    "Assignee does not exist",
    "Table incident not found",
    "File report.pdf of ticket 7 not found: file not found",
    "Error in API call [500] - record not found in cache",
    "Error in API call [401] - Unauthorized: ticket not found",
    "403 Client Error: Forbidden: the incident does not exist or you may not see it, [403]",
    "Connection refused: ticket 42 not found",
    "Read timed out while looking for incident 42",
    "Failed to execute get-remote-data command. Error: 'NoneType' object has no attribute 'get'",
    "comment not found",
    "The mapper does not exist",
    "The comment was deleted",
    "42 tickets were found",
    "Traceback (most recent call last): KeyError: incident not found",
)


@pytest.mark.parametrize("text", UNCERTAIN)
def test_it_is_not_for_sure_missing(text: str) -> None:
    """It stays a failure that is tried again."""
    assert wire.absence(text, "R-42") is None


@pytest.mark.parametrize(
    ("text", "state", "new_id"),
    [
        ("Ticket 7 was merged into 9", RemoteState.MERGED, "9"),
        ("This case has been merged into case #1234.", RemoteState.MERGED, "1234"),
        ("Issue R-42 merged with OPS-77", RemoteState.MERGED, "OPS-77"),
        ("The issue was moved to OPS-12", RemoteState.MOVED, "OPS-12"),
        ("Incident is moved to incident INC0010009.", RemoteState.MOVED, "INC0010009"),
    ],
)
def test_it_became_another_one(text: str, state: RemoteState, new_id: str) -> None:
    """The new id is a proposal."""
    found = wire.absence(text, "R-42")
    assert found is not None
    assert (found.state, found.new_id, found.words) == (state, new_id, text)


@pytest.mark.parametrize(
    "text", ["Moved to state closed", "The queue was moved to team blue", "merged into master branch"]
)
def test_it_became_nothing(text: str) -> None:
    """Words without an id are none."""
    assert wire.absence(text, "R-42") is None


@pytest.mark.parametrize(
    "results",
    [
        ["Ticket was not found."],
        [["Ticket was not found."]],
        [[{"id": "R-42", "in_mirror_error": "Ticket was not found."}]],
        [{"Type": 4, "ContentsFormat": "text", "Contents": "Ticket was not found."}],
    ],
)
def test_each_carrier_says_it(results: list[object]) -> None:
    """A bare text, an object of nothing but `in_mirror_error`, an error entry."""
    with pytest.raises(RemoteGone) as caught:
        wire.parse_pull(Reply(results=tuple(results)), "R-42")
    assert caught.value.absence.words == "Ticket was not found."


def test_a_pack_may_say_it_outright() -> None:
    """Our own key, for packs whose remote tells what became of an object."""
    item = {"id": "R-42", "in_mirror_error": "closed as a copy", "casemirror": {"gone": "merged", "new_id": 77}}
    with pytest.raises(RemoteGone) as caught:
        wire.parse_pull(Reply(results=([item],)), "R-42")
    assert (caught.value.absence.state, caught.value.absence.new_id) == (RemoteState.MERGED, "77")


@pytest.mark.parametrize("item", [{"id": "R-42", "in_mirror_error": "boom"}, {"in_mirror_error": "boom"}])
def test_an_object_of_nothing_but_an_error_is_a_message(item: dict[str, str]) -> None:
    """MIR-098: it is no data."""
    data = wire.parse_pull(Reply(results=([item],)), "R-42")
    assert (data.object, data.message, data.failed) == (None, "boom", True)


@pytest.mark.parametrize(
    "item",
    [{"id": "R-42", "in_mirror_error": ""}, {"id": "R-42", "state": "new", "in_mirror_error": "comments failed"}],
)
def test_an_object_with_news_is_data(item: dict[str, str]) -> None:
    """MIR-099; an object that failed in part is taken for what it tells."""
    data = wire.parse_pull(Reply(results=([item],)), "R-42")
    assert (data.object, data.message) == (item, "")


def test_an_error_that_is_not_for_sure_stays_one() -> None:
    """Retried as ever."""
    entry = {"Type": 4, "ContentsFormat": "text", "Contents": "no route to host"}
    with pytest.raises(CommandFailed):
        wire.parse_pull(Reply(results=(entry,)), "R-42")
