"""The JSON face: authentication, problem objects, documents, and the native API under ``v1``."""
