"""The store contract, and what every store plugin needs to meet it."""
