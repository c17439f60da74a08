"""Generated structures as tables, figures and a page."""
