"""`casemirror demo`: two ticket systems, real processes, one day of work, and the proof that all sides say the same.

==========  ==================================================================================
`command`   the command itself
`stage`     what must run: the simulator, the tracker, `casemirror serve`; and its end
`sides`     the three places, each with a person's hands and one way to look at a ticket
`telling`   do a change, watch where it arrives, say so in one line
`day`       the story
`proof`     compare field by field, count what is lost or doubled
==========  ==================================================================================
"""
