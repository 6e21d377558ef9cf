"""Code that a replay mounts into the box, for every Python process of the run. Never imported here."""
