"""What tests share: small models, files to read, boards, references, and what equal results are."""
