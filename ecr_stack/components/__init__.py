"""The components, for this project's program and for anybody else's."""
