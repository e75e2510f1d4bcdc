"""Fetching by time windows that reach back, for remotes that show an object only some time after it was made.

The last run holds `time` (where the next fetch starts), `limit` (how many to ask for then) and `found_incident_ids`
({id: epoch seconds of when it was found}), by which what was fetched before is left out.
"""

from datetime import UTC, datetime, timedelta

import dateparser

from csp.host import demisto

ISO_SECONDS = "%Y-%m-%dT%H:%M:%S"


def get_fetch_run_time_range(last_run, first_fetch, look_back=0, timezone=0, date_format=ISO_SECONDS):
    """(start, end) of this fetch, as texts.

    first_fetch   where the first fetch starts, such as '3 days'
    look_back     minutes: the range is at least so long
    timezone      hours by which the remote's clock is ahead of UTC
    """
    now = _now() + timedelta(hours=timezone)
    told = (last_run or {}).get("time")
    if told:
        start = dateparser.parse(told, settings={"TIMEZONE": "UTC"}).replace(tzinfo=None)
    else:
        start = dateparser.parse(first_fetch, settings={"TIMEZONE": "UTC"}).replace(tzinfo=None)
        start += timedelta(hours=timezone)
    if look_back:
        start = min(start, now - timedelta(minutes=look_back))
    return start.strftime(date_format), now.strftime(date_format)


def filter_incidents_by_duplicates_and_limit(incidents_res, last_run, fetch_limit, id_field):
    """The incidents that were not fetched before, no more than fetch_limit; nothing changes in the last run."""
    known = {str(identity) for identity in _known(last_run)}  # the keys of stored JSON are texts
    new = [incident for incident in incidents_res if str(incident[id_field]) not in known]
    demisto.debug(f"{len(incidents_res)} incidents came, {len(new)} of them are new, the limit is {fetch_limit}")
    return new[:fetch_limit]


def update_last_run_object(
    last_run,
    incidents,
    fetch_limit,
    start_fetch_time,
    end_fetch_time,
    look_back,
    created_time_field,
    id_field,
    date_format=ISO_SECONDS,
    increase_last_run_time=False,
):
    """The last run to be stored after this fetch; the given one is changed and comes back.

    incidents                         what was fetched, without what was known before
    start_fetch_time, end_fetch_time  the range of this fetch, as get_fetch_run_time_range gave it
    increase_last_run_time            start the next fetch a step of date_format behind the newest incident instead of at it
    """
    updated = create_updated_last_run_object(
        last_run,
        incidents,
        fetch_limit,
        look_back,
        start_fetch_time,
        end_fetch_time,
        created_time_field,
        date_format,
        increase_last_run_time,
    )
    # while the ranges start at the same time, everything that was found may come again
    moves_on = updated["time"] != start_fetch_time
    found = get_found_incident_ids(last_run, incidents, look_back, id_field, remove_incident_ids=moves_on)
    last_run.update(updated, found_incident_ids=found)
    return last_run


def create_updated_last_run_object(
    last_run,
    incidents,
    fetch_limit,
    look_back,
    start_fetch_time,
    end_fetch_time,
    created_time_field,
    date_format=ISO_SECONDS,
    increase_last_run_time=False,
):
    """{"time", "limit"} for the next fetch.

    A full batch may have left incidents of its own range behind: then, with look_back, the next fetch asks for that range again, and
    for so many more, since those found before are left out. Otherwise it goes on at the newest incident, or where this range ended.
    """
    if not incidents:
        return {"time": end_fetch_time, "limit": fetch_limit}
    if look_back and len(incidents) >= fetch_limit:
        return {"time": start_fetch_time, "limit": fetch_limit + len(incidents) + len(_known(last_run))}
    newest = get_latest_incident_created_time(incidents, created_time_field, date_format, increase_last_run_time)
    return {"time": newest, "limit": fetch_limit}


def get_latest_incident_created_time(
    incidents, created_time_field, date_format=ISO_SECONDS, increase_last_run_time=False
):
    """The latest time of creation, as text in date_format; ValueError for one that is no date."""
    newest = max(_parsed(incident[created_time_field], date_format) for incident in incidents)
    if increase_last_run_time:
        newest += timedelta(milliseconds=1) if "%f" in date_format else timedelta(seconds=1)
    return newest.strftime(date_format)


def get_found_incident_ids(last_run, incidents, look_back, id_field, remove_incident_ids=True):
    """{id: epoch seconds} of what this fetch and those before it found; what no range can reach any more is dropped."""
    found, now = _known(last_run), int(datetime.now(UTC).timestamp())
    for incident in incidents:
        found.pop(str(incident[id_field]), None)
        found[incident[id_field]] = now
    return remove_old_incidents_ids(found, now, look_back) if remove_incident_ids else found


def remove_old_incidents_ids(found_incidents_ids, current_time, look_back):
    """The ids that were found no longer ago than twice look_back (minutes), at least a minute: older ones cannot come again."""
    oldest = current_time - max(2 * look_back, 1) * 60
    return {identity: found for identity, found in found_incidents_ids.items() if found >= oldest}


def _known(last_run):
    """{id: epoch seconds}, new; ids without a time count as found now."""
    known = (last_run or {}).get("found_incident_ids") or {}
    return dict(known) if isinstance(known, dict) else dict.fromkeys(known, int(datetime.now(UTC).timestamp()))


def _now():
    return datetime.now(UTC).replace(tzinfo=None)


def _parsed(text, date_format):
    try:
        return datetime.strptime(text, date_format)
    except ValueError:
        parsed = dateparser.parse(text, settings={"TIMEZONE": "UTC"})
    if parsed is None:
        raise ValueError(f"{text!r} is no date")
    return parsed.replace(tzinfo=None)
