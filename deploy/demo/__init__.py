"""A town that does not exist, for trying carewatch out: nobody in it is real."""
