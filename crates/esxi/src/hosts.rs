//! hosts.yml, read into typed nodes; every error names file, line, node and key.
