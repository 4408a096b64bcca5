"""Where bytes come from: indexes, their routes, and a cache that holds files by their sha256."""
