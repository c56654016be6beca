"""Every code block of the documents is run as the reader would."""
