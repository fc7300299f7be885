"""What ``tts.load`` is made of: files of every format, names and shapes of the official models, the hub."""
