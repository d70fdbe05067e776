"""What every test may use: the databases, a complete running Pinakes, and common fixtures."""

pytest_plugins = ["tests.plugins.databases", "tests.plugins.shares", "tests.plugins.stack"]
