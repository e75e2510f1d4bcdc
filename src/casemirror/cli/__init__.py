"""The command line: a module for each noun. It picks the concrete classes, asks the actions, and shows what they answer.

Every command imports what it needs when it runs, so that `--help` and shell completion answer at once.
"""
