"""Tax rules of countries: an ADMIN declares a country's rates, and how prices and tax relate there."""
