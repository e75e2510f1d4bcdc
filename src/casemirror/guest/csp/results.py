"""How a command answers: results, errors, warnings, files."""

import os
import sys
import traceback

from csp import logs, server, tables
from csp.entries import EntryFormat, EntryType
from csp.errors import DemistoException
from csp.host import demisto

# An error entry in these commands would be stored as if it were fetched data: they must fail instead.
FETCH_COMMANDS = ("fetch-incidents", "fetch-credentials", "long-running-execution", "fetch-indicators")

# The server takes this text to mean: no poll this time, try again later. Without it, it takes the command for not implemented.
SKIP_UPDATE = "skip update. error: "


def return_error(message, error="", outputs=None):
    """End the command with an error: an error entry and exit code 0, or an exception with the message in the fetch commands.

    error     what is to be logged beside the message: a text or an exception
    outputs   context that the error entry brings along
    In get-modified-remote-data the message gets 'skip update. error: ' in front, unless the cause is a NotImplementedError.
    """
    is_handling = sys.exc_info()[0] is not None
    text = logs.LOG(str(message))
    if error:
        logs.LOG(error)
    if is_handling:
        logs.LOG(traceback.format_exc())
    logs.LOG.print_log()
    command = demisto.command()
    if command in FETCH_COMMANDS:
        raise Exception(text)  # noqa: TRY002 - the class is part of the contract
    if command == "get-modified-remote-data" and not _is_not_implemented(error):
        text = SKIP_UPDATE + text
    demisto.results(
        {"Type": EntryType.ERROR, "ContentsFormat": EntryFormat.TEXT, "Contents": text, "EntryContext": outputs}
    )
    sys.exit(0)


def _is_not_implemented(error):
    return isinstance(error, NotImplementedError) or isinstance(sys.exc_info()[1], NotImplementedError)


def return_warning(message, exit=False, warning="", outputs=None, ignore_auto_extract=False):
    """Emit a warning entry; the command goes on unless `exit` is true."""
    text = logs.LOG(message)
    if warning:
        logs.LOG(warning)
    logs.LOG.print_log()
    demisto.results(
        {
            "Type": EntryType.WARNING,
            "ContentsFormat": EntryFormat.TEXT,
            "IgnoreAutoExtract": ignore_auto_extract,
            "Contents": text,
            "EntryContext": outputs,
        }
    )
    if exit:
        sys.exit(0)


def return_outputs(readable_output, outputs=None, raw_response=None, timeline=None, ignore_auto_extract=False):
    """Answer with one note: the older way, before CommandResults.

    timeline   dicts for the indicators' timelines (a list, or one); each gets a Category where it has none
    """
    contents = raw_response or outputs or readable_output
    timeline = [timeline] if isinstance(timeline, dict) else timeline
    for event in timeline or []:
        event.setdefault("Category", server.timeline_category())
    demisto.results(
        {
            "Type": EntryType.NOTE,
            "HumanReadable": readable_output,
            "ContentsFormat": EntryFormat.TEXT if isinstance(contents, str) else EntryFormat.JSON,
            "Contents": contents,
            "EntryContext": outputs,
            "IgnoreAutoExtract": ignore_auto_extract,
            "IndicatorTimeline": timeline or [],
        }
    )


def return_results(results):
    """Emit whatever the command made.

    A list goes element by element, but its dicts and texts are gathered and go last, as one list.
    """
    if isinstance(results, list) and results:
        plain = [item for item in results if isinstance(item, dict | str)]
        for item in results:
            if not isinstance(item, dict | str):
                return_results(item)
        if plain:
            demisto.results(plain)
        return
    demisto.results(_as_result(results))


def _as_result(item):
    """What one answer is on the wire; the method that an answer's class has says how to get it."""
    if isinstance(item, CommandResults):
        return item.to_context()
    for method in ("extract_mapping", "extract_for_local", "to_entry", "to_display"):
        if not isinstance(item, type) and callable(getattr(item, method, None)):
            return getattr(item, method)()
    return item


class CommandResults:
    """A command's answer.

    outputs, outputs_prefix         context of the incident and where it goes there
    outputs_key_field               name(s) of what tells one output from another; a text or a list
    readable_output                 Markdown; a table of the outputs when not given
    raw_response                    what the remote said; the outputs when not given
    indicator, indicators           one Common.Indicator, or a list of them (never both)
    indicators_timeline             an IndicatorsTimeline
    scheduled_command               a ScheduledCommand: the server runs it later
    relationships                   list of EntityRelationship
    ignore_auto_extract, mark_as_note, entry_type, content_format: of the entry
    """

    def __init__(
        self,
        outputs_prefix=None,
        outputs_key_field=None,
        outputs=None,
        indicators=None,
        readable_output=None,
        raw_response=None,
        indicators_timeline=None,
        indicator=None,
        ignore_auto_extract=False,
        mark_as_note=False,
        scheduled_command=None,
        relationships=None,
        entry_type=None,
        content_format=None,
    ):
        if indicators and indicator:
            raise DemistoException("indicators and indicator exclude each other")
        if outputs is not None and not isinstance(outputs, dict) and not outputs_prefix:
            raise ValueError("outputs_prefix is needed: outputs that are no dict have no names of their own")
        if content_format is not None and not EntryFormat.is_valid_type(content_format):
            raise TypeError(f"content_format {content_format} is none of EntryFormat")
        self.outputs_prefix = outputs_prefix
        self.outputs_key_field = outputs_key_field
        self.outputs = outputs
        self.indicators = indicators
        self.indicator = indicator
        self.readable_output = readable_output
        self.raw_response = raw_response
        self.indicators_timeline = indicators_timeline
        self.ignore_auto_extract = ignore_auto_extract
        self.mark_as_note = mark_as_note
        self.scheduled_command = scheduled_command
        self.relationships = relationships
        self.entry_type = EntryType.NOTE if entry_type is None else entry_type
        self.content_format = content_format

    def to_context(self):
        """The war-room entry."""
        raw = self.outputs if self.raw_response is None else self.raw_response
        entry = {
            "Type": self.entry_type,
            "ContentsFormat": self.content_format or _format_of(raw),
            "Contents": raw,
            "HumanReadable": self._readable(),
            "EntryContext": self._context(),
            "IndicatorTimeline": self.indicators_timeline.indicators_timeline if self.indicators_timeline else [],
            "IgnoreAutoExtract": bool(self.ignore_auto_extract),
            "Note": self.mark_as_note,
            "Relationships": [link.to_entry() for link in self.relationships or [] if link.to_entry()],
        }
        if self.scheduled_command:
            entry.update(self.scheduled_command.to_results())
        return entry

    def _readable(self):
        if self.readable_output or not self._has_outputs():
            return self.readable_output
        return tables.tableToMarkdown("Results", self.outputs)

    def _context(self):
        context = {}
        for indicator in self.indicators or ([self.indicator] if self.indicator else []):
            _merge_indicator(context, indicator.to_context())
        if not self._has_outputs():
            return context
        if self.outputs_prefix:
            context[self._path()] = self.outputs
        else:
            context.update(self.outputs)
        return context

    def _has_outputs(self):
        return self.outputs is not None and self.outputs != []

    def _path(self):
        """'prefix(val.key && val.key == obj.key)', one condition for each key."""
        keys = self.outputs_key_field
        if not keys:
            return self.outputs_prefix
        keys = [keys] if isinstance(keys, str) else keys
        conditions = " && ".join(f"val.{key} && val.{key} == obj.{key}" for key in keys)
        return f"{self.outputs_prefix}({conditions})"


def _format_of(contents):
    return EntryFormat.TEXT if isinstance(contents, str | int | float) else EntryFormat.JSON


def _merge_indicator(context, added):
    """Each path gets a list: several indicators of one type share their path."""
    for path, value in added.items():
        context.setdefault(path, []).extend(value if isinstance(value, list) else [value])


def fileResult(filename, data, file_type=None):
    """Write the data (text as UTF-8) where the server finds it; gives the entry that makes it a war-room file."""
    file_id = demisto.uniqueFile()
    content = data.encode("utf-8") if isinstance(data, str) else data
    with open(_stored_name(file_id), "wb") as file:
        file.write(content)
    return _file_entry(filename, file_id, file_type)


def file_result_existing_file(filename, saveFilename=None):
    """Make a file that lies in the working directory a war-room file, called saveFilename there; it is moved."""
    file_id = demisto.uniqueFile()
    os.rename(filename, _stored_name(file_id))
    return _file_entry(saveFilename or filename, file_id, None)


def _stored_name(file_id):
    return f"{demisto.investigation()['id']}_{file_id}"


def _file_entry(filename, file_id, file_type):
    return {
        "Contents": "",
        "ContentsFormat": EntryFormat.TEXT,
        "Type": EntryType.FILE if file_type is None else file_type,
        "File": filename,
        "FileID": file_id,
    }


def is_error(execute_command_result):
    """Whether an entry, or one of a list of entries, is an error."""
    if isinstance(execute_command_result, list):
        return any(isinstance(entry, dict) and entry.get("Type") == EntryType.ERROR for entry in execute_command_result)
    return isinstance(execute_command_result, dict) and execute_command_result.get("Type") == EntryType.ERROR


def isError(entry):
    """Whether one entry is an error: the older way to ask."""
    return is_error(entry) and not isinstance(entry, list)


def get_error(execute_command_result):
    """Texts of the error entries, one a line; ValueError when there is none."""
    if not is_error(execute_command_result):
        raise ValueError("the result has no error entry; ask is_error() first")
    entries = execute_command_result if isinstance(execute_command_result, list) else [execute_command_result]
    return "\n".join(str(entry["Contents"]) for entry in entries if is_error(entry))
