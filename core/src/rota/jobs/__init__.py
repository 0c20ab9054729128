"""What a user defines and holds: jobs, their calls, instances, and the context inside a running job."""
