"""Mail that comes in: what bounced, who complains, who unsubscribes; over HTTP or SMTP."""
