# Words of the command line alone.
