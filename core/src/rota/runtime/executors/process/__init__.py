"""The executor "process": jobs in killable children, kept warm.

The worker's side is `executor`, the child's `resident`; `messages` is what they say to each other.
"""
