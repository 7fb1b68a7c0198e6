"""Small agents that stand in for those that are not installed, and a small curl and ping.

Honest ones: an address that answers, a web server that serves, a state that is kept. Each is an
OCF agent in its exit codes, its parameters and its words on stderr, with the standard library
alone. They never run unless a node chose them, and every view marks what they did.
"""
