"""What the tap and the target share of Singer. Nothing is loaded here, since a command has to be quick to begin."""
