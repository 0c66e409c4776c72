"""The paper's figures as data, and their drawing: numbers from the database or computed, never trained here."""
