"""What differs between two rehearsals, and what that means for images and access; needs no AWS and no moto."""
