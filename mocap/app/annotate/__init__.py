"""The annotation page: pictures, clips and takes are labelled in a browser that a server on this machine serves."""
