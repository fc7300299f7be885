"""Ablations: short scripts over the public API, each also ``tts ablate NAME``."""
