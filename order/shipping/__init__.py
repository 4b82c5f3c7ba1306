"""Shipping zones: an ADMIN declares their places, methods and prices; anyone reads the methods of an address."""
