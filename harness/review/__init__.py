"""One review of one pull request: intake once, audit, every stage, the rulings, one verdict a policy."""
