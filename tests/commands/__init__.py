"""The commands of the command line, part by part."""
