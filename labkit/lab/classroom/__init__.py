"""For who teaches a class: student copies, a plan, notes, slides, and what the class did."""
