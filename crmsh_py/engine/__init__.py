"""See docs/architecture.md for what this package is and whom it may import."""
