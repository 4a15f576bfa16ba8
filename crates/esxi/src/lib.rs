//! How to talk to ESXi: hosts.yml, SSH sessions, commands, and reading what hosts print.
