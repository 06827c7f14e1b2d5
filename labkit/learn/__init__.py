"""What the learner meets: checks with feedback, and the ledger of claims."""
