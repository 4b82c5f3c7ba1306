"""The content of mails: the variables that their templates need."""
