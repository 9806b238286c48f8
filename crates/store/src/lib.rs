//! Replay, pending requests, sessions and the directory: in memory and on SQLite.
