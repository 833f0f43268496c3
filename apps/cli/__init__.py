"""The command line: one file a command; heavy libraries are imported when a command runs, not before."""
