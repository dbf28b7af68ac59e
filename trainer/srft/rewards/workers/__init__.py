"""Scripts that run in processes of their own, with this folder first on their path."""
