"""How two sides come to agree: `plan` (pure), `reconcile` (the six steps), `poll`, `fetch`, `lane`, `dispatch`."""
