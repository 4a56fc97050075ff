"""What a team does with images once the registry stands."""
