"""What evaluations, predictions and pages of yes/no classes show."""
