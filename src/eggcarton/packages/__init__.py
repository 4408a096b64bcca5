"""What is installed, exactly: the lock, the store of unpacked distributions, and environments made of links."""
