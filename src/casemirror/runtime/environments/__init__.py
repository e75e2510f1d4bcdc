"""Python environments of integrations that need more than casemirror's own packages: what they need, where they lie, how they are built."""
