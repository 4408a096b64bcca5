"""The tests of the guestbook: each states one fact."""
