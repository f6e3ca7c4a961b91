"""Tokenizers and chat templates for the tests of the tokens room."""
