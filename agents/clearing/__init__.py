"""The clearing firm's office: who liquidates what margin calls lack."""
