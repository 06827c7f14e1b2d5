"""The exercises of the lessons, one module a topic: right answers, typical mistakes, feedback."""
