"""The annotation page: a local web server for labelling images and clips and for correcting takes in a browser."""
