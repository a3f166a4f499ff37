"""The conformance suite: judges a generated connector as a strict stranger, against a server of its own."""
