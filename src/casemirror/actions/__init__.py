"""What a person or a client may do: one function for each verb, with its permission check and its line in the audit trail.

Every function takes the `App` and the `Actor` first, changes what it changes in one transaction, and wakes the links
that this concerns in the same one, so that nothing can fall between a change and its way out. Nothing here knows of
terminals or HTTP.
"""
