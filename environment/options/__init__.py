"""Listed options: pricing, surfaces and strategies."""
