"""An integration made ready once, in the warm parent: its libraries imported, its text compiled, its lines known to tracebacks.

Only libraries are imported here. Code of the integration itself (and its API modules) reads parameters while it is loaded, so it
first runs in the child, where there are some.
"""

import ast
import importlib
import importlib.abc
import importlib.util
import linecache
import os
import sys
import threading
import traceback

GUEST = os.path.dirname(os.path.abspath(__file__))
API_MODULES = os.path.join(GUEST, "api_modules")
_PER_RUN = {"demistomock", "CommonServerPython", "CommonServerUserPython", "__main__"}


class Prepared:
    """name      file name in tracebacks
    code      the compiled integration; None when it does not compile: then `broken` says why
    modules   {name: (code or None, why not)} of the modules that came with it
    missing   {library: why it could not be imported}
    threaded  the library whose import started a thread (a process with threads must not fork), or ""
    """

    def __init__(self, name, source, modules):
        self.name = f"<{name}>"
        self.code, self.broken = compiled(source, self.name)
        self.modules = {module: compiled(text, f"<{module}>") for module, text in modules.items()}
        self.texts = [source, *modules.values()]
        self.files = {self.name, *(f"<{module}>" for module in modules)}
        self.missing, self.threaded = {}, ""

    def import_libraries(self, skip):
        """Import CommonServerPython and what the texts import at their top level, except the names in `skip`."""
        sys.modules["demistomock"] = None  # nobody can import the one for tests here; each child puts its own
        for name in ["CommonServerPython", *self._wanted()]:
            if name in skip or self.threaded:
                continue
            try:
                importlib.import_module(name)
            except BaseException as error:  # an ImportError here is no failure: the integration may do without
                self.missing[name] = f"{type(error).__name__}: {error}"
            if threading.active_count() != 1:
                self.threaded = name

    def _wanted(self):
        names = [name for text in self._all_texts() for name in top_level_imports(text)]
        own = _PER_RUN | set(self.modules)
        return [n for n in dict.fromkeys(names) if n not in own and not os.path.exists(_api_module(n))]

    def _all_texts(self):
        yield from self.texts
        for name in {name for text in self.texts for name in top_level_imports(text)} - set(self.modules):
            if os.path.exists(_api_module(name)):
                with open(_api_module(name), encoding="utf-8") as file:
                    yield file.read()


def _api_module(name):
    return os.path.join(API_MODULES, f"{name}.py")


def compiled(source, file_name):
    """(code, "") or (None, why it does not compile). The text is kept for tracebacks."""
    linecache.cache[file_name] = (len(source), None, source.splitlines(keepends=True), file_name)
    try:
        return compile(source, file_name, "exec", dont_inherit=True), ""
    except (SyntaxError, ValueError) as error:
        return None, "".join(traceback.format_exception_only(error)) + _python_2_hint(error)


def _python_2_hint(error):
    text = str(error)
    if "Missing parentheses in call to" in text or "multiple exception types" in text or "leading zeros" in text:
        version = ".".join(map(str, sys.version_info[:2]))
        return f"The code is written for Python 2; this interpreter is Python {version}. Install a newer version of the pack.\n"
    return ""


def top_level_imports(source):
    """First parts of the names that a text imports outside of functions and classes, in order; [] when it does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    found, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            found += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.append(node.module.split(".")[0])
        elif isinstance(node, ast.Try | ast.If | ast.With | ast.ExceptHandler):
            waiting[:0] = ast.iter_child_nodes(node)
    return list(dict.fromkeys(found))


class GivenModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the modules that came with an integration; `globals_` is what each of them finds already defined."""

    def __init__(self, modules, globals_):
        self._modules = modules
        self._globals = globals_

    def find_spec(self, name, path=None, target=None):
        """Ours, or None."""
        return importlib.util.spec_from_loader(name, self) if name in self._modules else None

    def exec_module(self, module):
        """Run the module's text; SyntaxError when it does not compile."""
        code, broken = self._modules[module.__name__]
        if code is None:
            raise SyntaxError(broken)
        vars(module).update({k: v for k, v in self._globals.items() if k not in vars(module)})
        exec(code, vars(module))
