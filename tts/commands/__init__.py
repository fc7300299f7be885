"""What the ``tts`` command does, a module for each group of commands. Nothing heavy is imported before it runs."""
