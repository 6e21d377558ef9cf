"""GitHub: publish a review on its pull request, and watch a repository. Judges nothing."""
