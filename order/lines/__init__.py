"""What is ordered, and what its total is made of, as it was when the order was placed: lines, subtotal, shipping, taxes."""
