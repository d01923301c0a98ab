"""What an author of lessons needs: wrong answers that are made, findings, and fresh files."""
