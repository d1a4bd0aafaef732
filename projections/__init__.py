"""What people read: views and tables folded from the decisions."""
