"""What every simulated remote needs: faults by switch, a gate that all requests pass, a control interface, a server.

Knows no vendor: what an error or a limit looks like, each simulator says itself.
"""
