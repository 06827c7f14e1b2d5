"""Who may read, change or fool a model: encryption, signatures, access, adversarial examples."""
