"""Load generators and servers for the measurements of `optotype serve`."""
