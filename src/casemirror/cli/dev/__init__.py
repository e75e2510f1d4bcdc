"""`casemirror dev`: an integration under work, run again whenever its author saves a file.

==========  ==================================================================================
`command`   the command itself
`desk`      the casemirror it runs in: installs the pack, configures the instance, reads it again
`trace`     what is shown: each command, what it answered, how that was understood, what was decided
`story`     what people do at a simulator and here, and whether it arrived
`play`      one round after another, until Ctrl-C
`watch`     which files are looked at, and when one of them changed
==========  ==================================================================================
"""
