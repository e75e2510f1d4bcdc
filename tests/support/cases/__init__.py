"""Cases that operators must meet: ours in unit tests, the public packs' own scripts in acceptance."""
