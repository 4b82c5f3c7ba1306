"""Stock: free quantities, manual adjustments and availability."""
