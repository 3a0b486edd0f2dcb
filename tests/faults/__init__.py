"""Faults that a user can meet: each test produces one and checks what the user then sees, and that no saved data are lost."""
