"""What people define: journeys and their versions, segments, templates, settings and keys."""
