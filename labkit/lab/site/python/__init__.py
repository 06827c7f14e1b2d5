"""Python in the lesson pages: what is written for it, and what runs there."""
