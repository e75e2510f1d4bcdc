"""Running other commands of the server: scripts may, integrations may not."""

from csp import results, tables
from csp.errors import DemistoException
from csp.host import demisto

_UNKNOWN_COMMAND = "unsupported command"


def execute_command(command, args, extract_contents=True, fail_on_error=True):
    """Contents of the entries that a command answers with: one alone bare, several as a list.

    extract_contents   False: the entries themselves
    fail_on_error      False: (whether it went well, contents or error text) instead of an exception
    DemistoException with the command's own words when it failed; also in an integration, which has no other commands.
    """
    good, answer = _answered(command, args, extract_contents)
    if fail_on_error and not good:
        raise DemistoException(f"{command} failed: {answer}")
    return answer if fail_on_error else (good, answer)


def _answered(command, args, extract_contents):
    """(whether it went well, what it answered or the words of its error)."""
    _must_execute(command)
    told = demisto.executeCommand(command, args)
    if results.is_error(told):
        return False, results.get_error(told)
    return True, _bare(told) if extract_contents else told


def _must_execute(command):
    if not hasattr(demisto, "executeCommand"):
        raise DemistoException(f"{command} cannot be run: integrations cannot start other commands, only scripts can")


def _bare(entries):
    listed = entries if isinstance(entries, list) else [entries]
    contents = [entry["Contents"] if isinstance(entry, dict) and "Contents" in entry else entry for entry in listed]
    return contents[0] if len(contents) == 1 else contents


class CommandRunner:
    """Runs several commands, each on one or all instances that know it, and tells what became of each."""

    class Command:
        """What is to be run. ValueError when the numbers of commands and arguments differ.

        commands          a name, or a list of them
        args_lst          its arguments, or a list with those for each; None: no arguments
        brand, instance   run it only there
        """

        def __init__(self, commands, args_lst=None, brand=None, instance=None):
            self.commands = [commands] if isinstance(commands, str) else list(commands)
            self.args_lst = _each_args(args_lst, len(self.commands))
            where = {"using-brand": brand, "using": instance}
            where = {key: value for key, value in where.items() if value}
            if where:
                self.args_lst = [{**args, **where} for args in self.args_lst]
            self.brand = brand
            self.instance = instance

    class Result:
        """What one command answered on one instance."""

        def __init__(self, command, args, brand, instance, result):
            self.command = command
            self.args = args
            self.brand = brand
            self.instance = instance
            self.result = result

    @staticmethod
    def is_unsupported_error(ex):
        """Whether the text (or exception) says that no enabled instance knows the command."""
        return _UNKNOWN_COMMAND in str(ex).lower()

    @staticmethod
    def execute_commands(command, extract_contents=True):
        """(Results that went well, Results that failed); DemistoException in an integration. What is unknown is neither."""
        _must_execute(", ".join(command.commands))
        good, bad = [], []
        for name, args in zip(command.commands, command.args_lst, strict=True):
            for result, is_good in _run(name, args, extract_contents):
                (good if is_good else bad).append(result)
        return good, bad

    @staticmethod
    def run_commands_with_summary(commands, extract_contents=True):
        """[a summary as CommandResults, what the commands answered…]. When all of them failed, the script ends with an error."""
        good, bad = [], []
        for command in commands:
            done, failed = CommandRunner.execute_commands(command, extract_contents)
            good += done
            bad += failed
        summary = tables.tableToMarkdown(
            "Results Summary",
            [_line(result, "Success", "") for result in good]
            + [_line(result, "Error", result.result) for result in bad],
            headers=["Instance", "Command", "Result", "Comment"],
        )
        if bad and not good:
            results.return_error(summary)
        return [results.CommandResults(readable_output=summary), *(result.result for result in good)]


def _each_args(given, count):
    if given is None:
        return [{} for _ in range(count)]
    listed = [given] if isinstance(given, dict) else list(given)
    if len(listed) == 1:
        listed = listed * count
    if len(listed) != count:
        raise ValueError(f"{count} commands need as many arguments, not {len(listed)}")
    return listed


def _run(name, args, extract_contents):
    """(Result, whether it went well) for each instance that answered."""
    try:
        entries = demisto.executeCommand(name, args)
    except ValueError as error:
        if not CommandRunner.is_unsupported_error(error):
            raise
        demisto.debug(f"No enabled instance knows {name}: {error}")
        return
    for entry in entries or []:
        contents, is_bad = entry.get("Contents"), results.is_error(entry)
        if is_bad and CommandRunner.is_unsupported_error(contents):
            continue
        answer = contents if is_bad or extract_contents else entry
        yield CommandRunner.Result(name, args, *_origin(entry), answer), not is_bad


def _origin(entry):
    """(brand, instance) that an entry came from."""
    return entry.get("Brand") or "", entry.get("ModuleName") or ""


def _line(result, outcome, comment):
    where = f"***{result.instance or result.brand or 'No instance'}***"
    shown = ", ".join(f"{key}={value}" for key, value in (result.args or {}).items())
    return {"Instance": where, "Command": f"{result.command} {shown}".strip(), "Result": outcome, "Comment": comment}
