"""Viewers beside the note: pictures with window and level, electrocardiograms, electroencephalograms."""
