"""Which arrangement of which peers gives a better answer for the same spend: comparisons, banks, predictions."""
