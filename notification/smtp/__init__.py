"""SMTP: writes mails as bytes and sends them to the mail server, with connections that are kept."""
