"""The manager: definitions plus a store; and the workers that it makes."""
