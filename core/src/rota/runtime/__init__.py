"""What runs in a worker process: claim, hand out, invoke, settle; and the loops that keep it true."""
