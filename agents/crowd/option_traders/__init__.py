"""The option crowd as Python actors: twins of the compiled rows, to be read and subclassed."""
