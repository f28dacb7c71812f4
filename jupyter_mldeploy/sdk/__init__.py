"""What users hold: workspaces, models, services, operations."""
