"""The whole report as one self-contained HTML page: its parts, its script and its style."""
