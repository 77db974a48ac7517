"""Facts in; alerts, visits and pages out."""
