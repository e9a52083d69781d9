//! Everything real at once: server, agent, Samba AD, Postgres, mail. Only the browser has no screen; `tests/browser` has one.

mod directory;
mod faults;
mod secrecy;
