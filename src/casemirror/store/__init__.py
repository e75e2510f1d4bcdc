"""What casemirror remembers: one schema for SQLite and PostgreSQL, and the queries on it, a module for each noun.

Functions take an open transaction (`tx`) first; `Store.read` and `Store.write` open one. No transaction is open while
anything outside the database is called. SQLAlchemy Core, no ORM.
"""
