"""Publishing: from a draft to what is offered, what becomes of those inside, and rest for a while."""
