"""Operations on a deployed registry."""
