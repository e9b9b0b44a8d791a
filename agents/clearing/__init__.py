"""The broker's office: carries out margin calls and buy-ins, and clears expiry day."""
