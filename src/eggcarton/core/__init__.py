"""What every recipe is made of."""
