"""Whether an integration keeps the contract of mirroring: a scorecard for its author.

===============  ==================================================================
`subject`        the integration under work, read from its folder
`remote`         what somebody may do at the remote while it is looked at
`bench`          runs its commands as the engine does, without a store, and notes each call
`point`          one thing that must be so; what is said of it
`declared`       points of the YAML, the code, the mappers: no remote is needed
`fetching` … `refusing`   points that are tried against a remote
`scorecard`      all points, tried in order
===============  ==================================================================
"""
