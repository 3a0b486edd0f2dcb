"""Models registered into the host. Importing a module of this package needs a bound host."""
