"""What ``orchestrate/`` holds, run on the engines that it is written for: ``make orchestrate``."""
