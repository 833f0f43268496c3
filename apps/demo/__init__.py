"""The bundled example: ECG reports, labeling functions, slicing functions and the run that ties them."""
