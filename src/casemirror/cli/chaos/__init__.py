"""`casemirror chaos`: two ticket systems, people at work on all sides, faults and kills at random, and the proof afterwards.

===========  =================================================================================
`command`    the command itself
`play`       from an empty folder to the exit code
`stage`      what must run: two simulators, casemirror's processes; and the settings
`fleet`      casemirror's processes: started, killed, started again; what they log
`people`     what people do on all sides, at random
`faults`     what goes wrong, at random
`ledger`     what people did and what went wrong, in order
`world`      what one sees of both sides, as values; `look` sees it
`quiet`      wait until nothing is on its way
`oracle`     pure: from what people did and what is there to what is wrong
`report`     the table, and the history of what is wrong
===========  =================================================================================
"""
