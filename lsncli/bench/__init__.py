"""How fast this machine trains: every engine mode against a plain training loop, measured in alternation."""
