"""HyperSpace: many searches, in parts of the space that overlap."""
