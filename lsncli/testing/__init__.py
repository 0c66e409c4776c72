"""Public conformance suites that plugin authors subclass."""
