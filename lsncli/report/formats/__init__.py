"""The formats in which a table is written: terminal, Markdown, CSV, JSON, LaTeX, HTML."""
