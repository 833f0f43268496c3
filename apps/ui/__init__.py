"""The labeling app: where clinicians label records and functions are born."""
