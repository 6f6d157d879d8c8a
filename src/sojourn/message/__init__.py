"""What to say to customers: templates and their rendering, consent and policy, links and what comes back."""
