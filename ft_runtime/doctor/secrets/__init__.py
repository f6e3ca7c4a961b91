"""Secrets and personal data: cheap triggers over all bytes, patterns at few places."""
