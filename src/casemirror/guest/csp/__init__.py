"""The parts behind `CommonServerPython`, one subject to a module.

This folder's parent is a root of `sys.path` inside the child process, so the parts find each other as `csp.…` and never as
`casemirror.…`: the interpreter that runs an integration need not have casemirror installed. Importing any part does no I/O, starts
no thread and asks the server nothing, because the warm parent imports them before there is a command.
"""
