"""The abstract machine, held to its promises on scripts of a few lines that each show one idiom."""
